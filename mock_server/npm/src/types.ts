/** The values that the mock receives and returns. docs/mock.md of segforge explains them. */

/** A route of the gateway. */
export type RouteName =
  | "run"
  | "submit"
  | "status"
  | "result"
  | "poll"
  | "credits"
  | "image"
  | "upload"
  | "asset"
  | (string & {});

/** How delays vary. */
export type Distribution = "constant" | "uniform" | "exponential" | "lognormal";

/** The requests to which a scenario applies. */
export interface ScenarioOptions {
  /** The most requests to which it applies; default: all. */
  times?: number;
  /** The number of matching requests that it skips first. */
  after?: number;
  /** Applies to every n-th matching request. */
  every?: number;
  route?: RouteName;
  /** The model. */
  slug?: string;
  /** The length of a slow body. */
  seconds?: number;
}

/** The requests to which a latency applies, and its shape. */
export interface LatencyOptions {
  /** The spread of a lognormal delay; default: 0.5. */
  sigma?: number;
  route?: RouteName;
  /** The model. */
  slug?: string;
  /** Waits between the effect of a request, such as a new job, and its answer. */
  afterEffect?: boolean;
}

/** The fields of a stub, spelled as in a script of the mock, such as `answer`, `edit`, `effect` and `times`. */
export type StubFields = Record<string, unknown>;

/** A request and its answer, with keys masked. Status 0: no answer was sent, or none yet if it is `running`. */
export interface RecordedRequest {
  method: string;
  path: string;
  route: string;
  slug: string;
  scenario: string | null;
  status: number;
  running: boolean;
  /** The User-Agent. */
  client: string | null;
  traceparent: string | null;
  headers: Record<string, string>;
  body: string;
  responseHeaders: Record<string, string>;
  responseBody: string;
}

/** A v2 job that the mock accepted. */
export interface RecordedJob {
  requestId: string;
  slug: string;
  status: string;
  payload: unknown;
  error: string | null;
  /** In credits. */
  cost: number;
}
