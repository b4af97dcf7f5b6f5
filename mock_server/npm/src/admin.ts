/** Calls of the mock's admin API. They use node:http, because the environments of Jest and Vitest may replace `fetch`. */

import { Agent, request } from "node:http";

const ANSWER_MS = 10_000;
const MOST_BYTES = 256 * 1024 * 1024;

/** A call that the mock refused. The message is the mock's; `status` is that of the answer. */
export class MockError extends Error {
  override readonly name = "MockError";

  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Calls one mock for one key. */
export class AdminApi {
  // An agent without options uses no proxy and keeps no connection.
  readonly #agent = new Agent();

  constructor(
    readonly url: string,
    readonly key: string,
  ) {}

  /** Sends a call and returns its decoded answer. Throws a MockError if the mock refuses it. */
  async call(method: string, path: string, body?: unknown, extraMs = 0): Promise<any> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const { status, answer } = await this.#exchange(method, path, text, ANSWER_MS + extraMs);
    let decoded: any;
    try {
      decoded = JSON.parse(answer);
    } catch {
      throw new MockError(`${method} /_mock/${path}: expected JSON, found ${JSON.stringify(answer.slice(0, 200))}`, status);
    }
    if (status >= 400) {
      throw new MockError(String(decoded?.error ?? answer.slice(0, 200)), status);
    }
    return decoded;
  }

  #exchange(method: string, path: string, body: string, ms: number): Promise<{ status: number; answer: string }> {
    const headers = { "x-api-key": this.key, "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent, signal: AbortSignal.timeout(ms) };
      const sent = request(`${this.url}/_mock/${path}`, options, (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          parts.push(part);
          bytes += part.length;
          if (bytes > MOST_BYTES) {
            response.destroy(new Error(`the answer has more than ${MOST_BYTES} bytes`));
          }
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, answer: Buffer.concat(parts).toString() }));
        response.on("error", failed);
      });
      const failed = (error: Error) => {
        const reason = error.name === "AbortError" ? `no answer within ${ms / 1000} s` : error.message;
        reject(new Error(`the mock at ${this.url} didn't answer ${method} /_mock/${path}: ${reason}. Was it stopped?`));
      };
      sent.on("error", failed);
      sent.end(body);
    });
  }
}
