/** A running mock, and the calls that control it. */

import { AdminApi } from "./admin.js";
import { withoutProxy } from "./environment.js";
import type {
  Distribution,
  LatencyOptions,
  RecordedJob,
  RecordedRequest,
  RouteName,
  ScenarioOptions,
  StubFields,
} from "./types.js";

/** The clock of a mock's key. It runs, and can be moved forward. */
export interface Clock {
  /** Returns the seconds since the epoch. */
  now(): Promise<number>;
  /** Moves the clock forward: jobs finish, records expire. */
  advance(seconds: number): Promise<void>;
}

/**
 * A mock that `startMock` started. It has the methods of the pytest fixture `segmind_mock`.
 *
 * They act on the jobs, the credits and the history of `key`. A value that is not valid rejects with a MockError.
 */
export class Mock {
  readonly #api: AdminApi;
  readonly #stop: () => Promise<void>;

  /** The clock. */
  readonly clock: Clock;

  /** @internal */
  constructor(
    /** The origin, such as http://127.0.0.1:51234. */
    readonly url: string,
    /** The API key. */
    readonly key: string,
    stop: () => Promise<void>,
  ) {
    this.#api = new AdminApi(url, key);
    this.#stop = stop;
    this.clock = {
      now: async () => (await this.#api.call("GET", "clock")).now,
      advance: async (seconds) => void (await this.#api.call("POST", "clock", { advance: seconds })),
    };
  }

  /** The base URL of the official SDK, which ends with /v1. */
  get baseUrl(): string {
    return `${this.url}/v1`;
  }

  /** The environment variables that point clients to this mock, and past a proxy that the environment names. */
  get environment(): Record<string, string> {
    return { SEGMIND_BASE_URL: this.url, SEGMIND_API_KEY: this.key, ...withoutProxy(process.env) };
  }

  /** Stops the mock. */
  stop(): Promise<void> {
    return this.#stop();
  }

  /** Plays a scenario, such as `job-blocked`, for matching requests. `segforge mock --list-scenarios` lists them. */
  async scenario(name: string, options: ScenarioOptions = {}): Promise<void> {
    await this.#addStub({ ...options, scenario: name });
  }

  /** Delays answers by `seconds`, or by a time drawn from a distribution with that scale. */
  async latency(seconds: number, distribution: Distribution = "constant", options: LatencyOptions = {}): Promise<void> {
    const { afterEffect = false, sigma = 0.5, ...scope } = options;
    await this.#addStub({ ...scope, latency: { distribution, seconds, sigma, after_effect: afterEffect } });
  }

  /** Adds a stub: an answer, changes of an answer, or the effect of a request. Files are sent as `base64`. */
  async stub(route: RouteName | null, fields: StubFields): Promise<void> {
    await this.#addStub(route === null ? fields : { route, ...fields });
  }

  /** Returns the stubs in their order, each with the number of requests that it matched and applied to. */
  async stubs(): Promise<StubFields[]> {
    return this.#api.call("GET", "rules");
  }

  /** Removes all stubs: scenarios, latencies and answers. */
  async clearScenarios(): Promise<void> {
    await this.#api.call("DELETE", "rules");
  }

  /** Sets how the next jobs progress: `instant`, `seconds=S`, `polls=N`, `held`, or null for their own time. */
  async jobPolicy(policy: string | null): Promise<void> {
    await this.#api.call("POST", "jobs/policy", { policy });
  }

  /** Releases all held jobs. */
  async release(): Promise<void> {
    await this.#api.call("POST", "jobs/release", {});
  }

  /** Ends a job now. */
  async finishJob(requestId: string): Promise<void> {
    await this.#api.call("POST", "jobs/finish", { request_id: requestId });
  }

  /** Fails a job now with the text of an error. `failedStatus` is the status of its polls (422). */
  async failJob(requestId: string, error: string, options: { failedStatus?: number } = {}): Promise<void> {
    await this.#api.call("POST", "jobs/fail", { request_id: requestId, error, failed_status: options.failedStatus });
  }

  /** Changes a job by the fields of the `effect` of a stub, such as `outputs`. */
  async editJob(requestId: string, fields: StubFields): Promise<void> {
    await this.#api.call("POST", "jobs/edit", { ...fields, request_id: requestId });
  }

  /** Sets the profile: `documented`, `observed`, or null for the one of the options. */
  async profile(name: "documented" | "observed" | null): Promise<void> {
    await this.#api.call("PUT", "profile", { profile: name });
  }

  /** Sets the requests per minute: a number, a plan such as `free`, or null for no limit. */
  async rateLimit(perMinute: number | string | null): Promise<void> {
    await this.#api.call("PUT", "rate-limit", { per_minute: perMinute });
  }

  /** Returns the balance of the key, in credits. */
  async credits(): Promise<number> {
    return (await this.#api.call("GET", "credits")).credits;
  }

  /** Sets the balance of the key, in credits. */
  async setCredits(amount: number): Promise<void> {
    await this.#api.call("PUT", "credits", { credits: amount });
  }

  /** Returns the requests so far, the oldest first; at most the newest 1,000. */
  async requests(): Promise<RecordedRequest[]> {
    return (await this.#api.call("GET", "requests")).map(recorded);
  }

  /** Waits at most `timeout` seconds (5; at most 60) for `count` requests, and returns all that arrived. */
  async waitFor(count: number, options: { route?: RouteName; timeout?: number } = {}): Promise<RecordedRequest[]> {
    const { route, timeout = 5 } = options;
    const query = new URLSearchParams({ count: String(count), timeout: String(timeout), ...(route && { route }) });
    return (await this.#api.call("GET", `requests/wait?${query}`, undefined, timeout * 1000)).map(recorded);
  }

  /** Returns the v2 jobs so far with their current states, the oldest first. */
  async jobs(): Promise<RecordedJob[]> {
    const jobs = await this.#api.call("GET", "jobs");
    return jobs.map((job: any) => ({
      requestId: job.request_id,
      slug: job.slug,
      status: job.status,
      payload: job.payload,
      error: job.error,
      cost: job.cost,
    }));
  }

  /** Clears the jobs, balance, scenarios, clock and history of the key. */
  async reset(): Promise<void> {
    await this.#api.call("POST", "reset", {});
  }

  async #addStub(fields: StubFields): Promise<void> {
    await this.#api.call("POST", "rules", fields);
  }
}

function recorded(entry: any): RecordedRequest {
  return {
    method: entry.method,
    path: entry.path,
    route: entry.route,
    slug: entry.slug,
    scenario: entry.scenario,
    status: entry.status,
    running: entry.running,
    client: entry.client,
    traceparent: entry.traceparent,
    headers: entry.request.headers,
    body: entry.request.body,
    responseHeaders: entry.response.headers,
    responseBody: entry.response.body,
  };
}
