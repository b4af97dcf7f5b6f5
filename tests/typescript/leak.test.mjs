/** The key is sent to the configured origin only, whatever the gateway answers, and nothing shows it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { inspect } from "node:util";
import * as segmind from "segmind-client";

const KEY = "SG_0123456789abcdef";
const PARAMS = { prompt: "a cat" };

/** Starts a server that records requests and answers from `answers` by `METHOD path`. The last answer repeats. */
class Recorder {
  received = [];
  answers = {};

  async start() {
    this.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) {
        chunks.push(chunk);
      }
      const { method, url, rawHeaders } = request;
      this.received.push({ method, url, headers: rawHeaders.join("\n"), body: Buffer.concat(chunks).toString() });
      const listed = this.answers[`${method} ${url}`] ?? this.answers["*"] ?? [];
      const answer = (listed.length > 1 ? listed.shift() : listed[0]) ?? { status: 404, body: "{}" };
      response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
      if (answer.cut) {
        response.write(answer.body.slice(0, answer.cut));
        setTimeout(() => response.destroy(), 5);
      } else {
        response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {}));
      }
    });
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  reset() {
    this.received = [];
    this.answers = {};
  }
}

const gateway = new Recorder();
const foreign = new Recorder();
let events = [];
let waited = 0;
let client;

before(async () => {
  await gateway.start();
  await foreign.start();
});
after(() => {
  gateway.stop();
  foreign.stop();
});
beforeEach(() => {
  gateway.reset();
  foreign.reset();
  foreign.answers["*"] = [{ status: 200, headers: { "content-type": "image/jpeg" }, body: "\xff\xd8\xff" }];
  events = [];
  client = new segmind.Segmind({
    apiKey: KEY,
    baseUrl: gateway.url,
    onEvent: (event) => events.push(event),
    clock: { now: () => Date.now() + waited, sleep: async (ms) => (waited += ms) },
  });
});

/** Returns everything that a report of an object may show. */
function shown(thing) {
  const seen = [inspect(thing, { depth: 9, showHidden: true, getters: true }), String(thing), thing?.stack];
  for (let link = thing; link instanceof Error; link = link.cause) {
    seen.push(link.message, link.stack, inspect(link, { showHidden: true, depth: 9 }));
  }
  return [...seen, JSON.stringify(thing), JSON.stringify(events)].join("\n");
}

describe("other hosts", () => {
  test("URLs from the gateway are requested without the key, and not for a state or a result", async () => {
    const away = (path) => `${foreign.url}${path}`;
    const urls = { status_url: away("/s"), response_url: away("/r"), poll_url: away("/p") };
    gateway.answers = {
      "POST /v2/flux-img2img": [{ body: { request_id: "r1", status: "QUEUED", ...urls } }],
      "GET /v2/requests/r1/status": [{ body: { status: "QUEUED", ...urls } }, { body: { status: "COMPLETED", ...urls } }],
      "GET /v2/requests/r1": [{ body: { status: "COMPLETED", output: away("/1.jpeg"), images: [{ url: away("/2.jpeg") }] } }],
    };
    const job = await client.fluxImg2img.submit(PARAMS);
    assert.equal((await job.wait()).status, "COMPLETED");
    assert.deepEqual(foreign.received, []);
    assert.equal((await job.download()).length, 2);
    assert.deepEqual(foreign.received.map(({ url }) => url).sort(), ["/1.jpeg", "/2.jpeg"]);
    assert.ok(!JSON.stringify(foreign.received).includes(KEY));
    assert.ok(!JSON.stringify(foreign.received).includes("x-api-key"));
  });

  for (const status of [301, 302, 303, 307, 308]) {
    test(`a redirect with ${status} is not followed`, async () => {
      const away = { status, headers: { location: `${foreign.url}/v1/flux-img2img` } };
      gateway.answers["*"] = [away];
      await assert.rejects(client.fluxImg2img.run(PARAMS), { name: "SegmindError", status, maybeBilled: false });
      await assert.rejects(client.submitAsync("flux-img2img", PARAMS), /redirect/);
      await assert.rejects(client.jobs.resume("r1").wait(), /redirect/);
      await assert.rejects(client.credits(), /redirect/);
      assert.deepEqual(foreign.received, []);
    });
  }

  test("a redirected download does not send the key", async () => {
    gateway.answers = {
      "GET /v2/requests/r1/status": [{ body: { status: "COMPLETED" } }],
      "GET /v2/requests/r1": [{ body: { status: "COMPLETED", output: `${gateway.url}/out` } }],
      "GET /out": [{ status: 302, headers: { location: `${foreign.url}/moved` } }],
    };
    const [image] = await client.jobs.resume("r1").download();
    assert.equal(image.contentType, "image/jpeg");
    assert.equal(foreign.received.length, 1);
    assert.ok(!JSON.stringify(foreign.received).includes(KEY));
    assert.ok(!gateway.received.find(({ url }) => url === "/out").headers.includes(KEY));
  });

  test("a slug or a request id can't change the rest of the path", async () => {
    for (const text of ["//evil.test/x", "../v1/get-user-credits", "@evil.test", "a/b", "a?b#c", "\\\\evil.test"]) {
      await assert.rejects(client.runSync(text, {}));
      await assert.rejects(client.jobs.resume(text).status());
    }
    for (const { url } of gateway.received) {
      assert.match(url, /^\/v[12]\/(requests\/)?[^/?#]+(\/status)?$/);
    }
    assert.equal(gateway.received.length, 12);
    for (const text of ["", ".", ".."]) {
      await assert.rejects(client.runSync(text, {}), segmind.CannotSend);
    }
  });
});

const SAID = { error: `bad key ${KEY}`, status: "FAILED", request_id: `r-${KEY}` };
const HEADERS = { "x-request-id": `id-${KEY}`, location: `http://host.test/?key=${KEY}` };
const LEAKY = {
  "a refusal": { status: 401, body: SAID },
  "a page": { status: 405, body: `<p>${KEY}</p>`, headers: { "content-type": "text/html" } },
  "a bare text": { status: 500, body: KEY, headers: { "content-type": "application/octet-stream" } },
  "a redirect": { status: 302, body: KEY },
  "a failed job": { status: 422, body: SAID },
  "a failed job under 200": { status: 200, body: SAID },
  "a cut body": { status: 200, body: JSON.stringify({ echo: KEY, more: "x".repeat(99) }), cut: 40, headers: { "content-length": "900" } },
};

async function loop(job) {
  const updates = [];
  for await (const update of job) {
    updates.push(update);
    assert.ok(!shown(updates).includes(KEY), shown(updates));
  }
  return updates;
}

describe("reports", () => {
  for (const [name, answer] of Object.entries(LEAKY)) {
    test(`no error shows the key: ${name}`, async () => {
      gateway.answers["*"] = [{ ...answer, headers: { ...HEADERS, ...answer.headers } }];
      const calls = [
        client.submitAsync("odd", { prompt: KEY }).then((job) => job.wait()),
        client.jobs.resume("r1").wait(),
        client.runSync("other", { prompt: `the key is ${KEY}` }),
        client.chat("odd", `the key is ${KEY}`),
        client.chatSync("other", "Hello").then((reply) => [reply, reply.text]),
        client.chat("gpt-4", [{ role: "user", content: [{ type: "image_url", image_url: { url: KEY } }] }]),
        loop(client.jobs.resume("r1")),
      ];
      for (const outcome of await Promise.allSettled(calls)) {
        const thing = outcome.reason ?? outcome.value;
        assert.ok(!shown(thing).includes(KEY), shown(thing));
      }
    });
  }

  test("an error of the caller's fetch that quotes its request does not show the key", async () => {
    const careless = (url, init) => {
      const error = new TypeError(`refused ${JSON.stringify(init.headers)}`);
      throw Object.assign(error, { request: init, cause: Object.assign(new Error(KEY), { code: KEY }) });
    };
    client = new segmind.Segmind({ apiKey: KEY, fetch: careless, maxRetries: 0, onEvent: (event) => events.push(event) });
    await assert.rejects(client.credits(), (error) => error instanceof segmind.ConnectionFailed && !shown(error).includes(KEY));
  });

  test("no object shows the key", async () => {
    gateway.answers["*"] = [{ body: { request_id: `r-${KEY}`, status_url: `http://host.test/${KEY}` }, headers: HEADERS }];
    const job = await client.submitAsync("odd", {});
    const result = await client.runSync("text", {});
    for (const thing of [client, client.fluxImg2img, job, result, client.spend, client.jobs, client._transport]) {
      assert.ok(!shown(thing).includes(KEY), shown(thing));
      assert.throws(() => assert.ok(JSON.stringify(Object.entries(thing)).includes(KEY)));
      try {
        assert.ok(!inspect(structuredClone(thing), { showHidden: true }).includes(KEY));
      } catch (error) {
        assert.equal(error.name, "DataCloneError");
      }
    }
  });

  for (const key of [`${KEY}\nx`, `${KEY} x`, "clé-0123456789", `${KEY}\0`]) {
    test(`an invalid key is rejected without showing it: ${JSON.stringify(key)}`, () => {
      assert.throws(() => new segmind.Segmind({ apiKey: key }), (error) => !error.message.includes("0123"));
    });
  }

  test("spaces around a key are removed", async () => {
    gateway.answers["*"] = [{ body: {} }];
    await new segmind.Segmind({ apiKey: ` ${KEY}\n`, baseUrl: gateway.url }).credits();
    assert.ok(gateway.received[0].headers.includes(`x-api-key\n${KEY}\n`));
  });
});
