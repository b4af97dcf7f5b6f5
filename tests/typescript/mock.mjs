/** A mock's tenant, and a clock that moves the mock's instead of taking time. */

export const MOCK = process.env.MOCK_URL;

export class Tenant {
  key = `SG_${Array.from({ length: 16 }, () => Math.floor(Math.random() * 16).toString(16)).join("")}`;
  waited = 0;

  /** Call the admin API, which is below /_mock/. */
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
