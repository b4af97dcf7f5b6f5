/** A tenant of a mock, and a clock that moves the mock's clock instead of waiting. */

export const MOCK = process.env.MOCK_URL;

export class Tenant {
  key = `SG_${Array.from({ length: 16 }, () => Math.floor(Math.random() * 16).toString(16)).join("")}`;
  waited = 0;

  /** Calls the admin API below /_mock/. */
  async admin(method, path, body) {
    const headers = { "x-api-key": this.key, "content-type": "application/json" };
    const init = { method, headers, body: body && JSON.stringify(body) };
    const response = await fetch(`${MOCK}/_mock/${path}`, init);
    const answer = await response.json();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${answer.error}`);
    }
    return answer;
  }

  clock = {
    now: () => Date.now() + this.waited,
    sleep: async (ms, signal) => {
      if (!signal?.aborted) {
        this.waited += ms;
        await this.admin("POST", "clock", { advance: ms / 1000 });
      }
    },
  };

  async requests(method) {
    return this.admin("GET", `requests?method=${method}`);
  }
}
