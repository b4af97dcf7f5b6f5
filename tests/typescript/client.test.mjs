/** Behaviour that is not in the table of cases: signals, costs, files, many calls at once, settings. */

import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import * as segmind from "segmind-client";
import { FluxImg2img } from "segmind-client/models/flux-img2img";
import { pollDelay } from "./node_modules/segmind-client/dist/esm/job.js";
import { retryDelay, resetDelay } from "./node_modules/segmind-client/dist/esm/retry.js";
import { MOCK, Tenant } from "./mock.mjs";

const EXAMPLES = JSON.parse(process.env.EXAMPLES);
const PARAMS = EXAMPLES["flux-img2img"];
/** What the mock bills for a call: the average in the directory. */
const COST = 0.026471;
/** The most that a call may cost, which the client reserves. */
const MOST = 0.0795;

function setUp(options = {}) {
  const tenant = new Tenant();
  const client = new segmind.Segmind({ apiKey: tenant.key, baseUrl: MOCK, clock: tenant.clock, ...options });
  return { tenant, client };
}

describe("results", () => {
  test("an image has its cost, and converts to a buffer, a blob and a file", async () => {
    const { client } = setUp();
    const result = await client.fluxImg2img.run(PARAMS);
    assert.equal(result.cost, COST);
    assert.equal(result.seed, PARAMS.seed);
    assert.equal(typeof result.remainingCredits, "number");
    assert.match(result.requestId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(new Uint8Array(result.arrayBuffer()), result.content);
    assert.equal(result.blob().type, "image/jpeg");
    assert.equal(result.blob().size, result.content.length);
    const path = join(await mkdtemp(join(tmpdir(), "segmind-")), "image.jpg");
    await result.save(path);
    assert.deepEqual(new Uint8Array(await readFile(path)), result.content);
  });

  test("several base64 images are all decoded", async () => {
    const { client } = setUp();
    const params = { ...EXAMPLES["flux-controlnet"], base64: true, samples: 3, image_format: "png" };
    const result = await client.fluxControlnet.run(params);
    assert.equal(result.images.length, 3);
    assert.equal(result.contentType, "image/png");
    assert.equal(result.raw[0], "{".charCodeAt(0));
  });

  test("a job's outputs are downloaded and saved", async () => {
    const { client } = setUp();
    const job = await client.fluxControlnet.submit({ ...EXAMPLES["flux-controlnet"], samples: 2 });
    assert.equal((await job.download()).length, 2);
    const path = join(await mkdtemp(join(tmpdir(), "segmind-")), "image.jpg");
    await job.save(path);
    assert.deepEqual([...(await readFile(path)).subarray(0, 2)], [0xff, 0xd8]);
  });

  /** A client of a gateway that answers each request with the record of a completed job. */
  function completed(fields) {
    const record = { request_id: "r1", status: "COMPLETED", metrics: { cost: 0.25 }, ...fields };
    const fetch = async () => new Response(JSON.stringify(record), { headers: { "content-type": "application/json" } });
    return { record, client: new segmind.Segmind({ apiKey: "SG_0123456789abcdef", baseUrl: "http://gateway.test", fetch }) };
  }

  for (const [output, kept] of [["a text", "a text"], [{ choices: [1] }, '{"choices":[1]}'], [0, "0"]]) {
    test(`the document of a model that is not known is saved unchanged: ${kept}`, async () => {
      const { client } = completed({ output });
      const path = join(await mkdtemp(join(tmpdir(), "segmind-")), "output");
      await (await client.submitAsync("any", {})).save(path);
      assert.equal(await readFile(path, "utf-8"), kept);
      const result = await client.jobs.resume("r1").output();
      assert.deepEqual([result.constructor, result.requestId, result.cost], [segmind.JsonResult, "r1", 0.25]);
    });
  }

  for (const fields of [{}, { output: null }, { output: "" }, { output: { note: "no file" } }, { output: "https://a.test/ says hi" }]) {
    test(`a job without a file is an error that holds its record: ${JSON.stringify(fields)}`, async () => {
      const { client, record } = completed(fields);
      const job = await client.fluxImg2img.submit(PARAMS);
      const unknown = "output" in fields && fields.output !== null ? [] : [await client.submitAsync("any", {}), client.jobs.resume("r1")];
      for (const asked of [job, client.jobs.resume("r1", segmind.MediaResult), ...unknown]) {
        await assert.rejects(asked.download(), (error) => {
          assert.deepEqual([error.constructor, error.body, error.requestId], [segmind.UnexpectedOutput, record, "r1"]);
          assert.deepEqual([error.cost, error.maybeBilled], [0.25, true]);
          return true;
        });
      }
      assert.deepEqual(await job.result(), record);
      assert.equal(client.spend.credits, 0.25);
    });
  }

  test("a model that returns a document, and any model by its slug", async () => {
    const { client } = setUp();
    const result = await client.fluxDevFinetuned.run(EXAMPLES["flux-dev-finetuned"]);
    assert.equal(result.constructor, segmind.JsonResult);
    assert.equal(typeof result.data, "object");
    assert.equal((await client.runSync("style-transfer", EXAMPLES["style-transfer"])).constructor, segmind.MediaResult);
    assert.equal((await client.run("style-transfer", EXAMPLES["style-transfer"])).status, "COMPLETED");
    assert.equal((await client.submitAsync("style-transfer", EXAMPLES["style-transfer"])).slug, "style-transfer");
    assert.ok((await client.credits()).credits > 0);
  });

  test("a seed beyond 2^53 is in the headers only, since a number would lose digits", async () => {
    for (const [sent, seed] of [["18446744073709551615", undefined], [`${2 ** 53 - 1}`, 2 ** 53 - 1]]) {
      const fetch = async () => new Response("\xff\xd8", { headers: { "content-type": "image/jpeg", "x-seed-value": sent } });
      const result = await new segmind.SegmindCore({ apiKey: "key", fetch }).runSync("x", {});
      assert.deepEqual([result.seed, result.headers["x-seed-value"]], [seed, sent]);
    }
  });

  test("an answer of unknown shape is kept", async () => {
    const answers = { "/v1/x": ["text/plain", "{not JSON"], "/v1/y": ["application/json", '{"image": "%%%"}'] };
    const fetch = async (url) => {
      const [type, body] = answers[new URL(url).pathname];
      return new Response(body, { headers: { "content-type": type, "x-cost": "odd" } });
    };
    const client = new segmind.SegmindCore({ apiKey: "key", fetch });
    assert.equal((await client.runSync("x", {})).data, "{not JSON");
    const odd = await client.runSync("y", {});
    assert.deepEqual([odd.data, odd.cost], [{ image: "%%%" }, undefined]);
  });

  const documents = ['{"image": "%%%"}', '{"image": ["aGk=", 5]}', '{"image": ""}', '{"images": [{"url": "https://a.test/1"}]}', "[]", "null"];
  const bodies = [
    ...documents.map((body) => [body, "application/json", JSON.parse(body)]),
    ...documents.slice(0, 4).map((body) => [body, "application/octet-stream", JSON.parse(body)]),
    ...['{"image": "aGk="', "ok", "", "{"].map((body) => [body, "application/json; charset=utf-8", body]),
    ...["<html>", ""].flatMap((body) => [[body, "text/html", body]]),
    ["", "image/png", ""],
  ];
  for (const [body, type, kept] of bodies) {
    test(`an answer without a file is an error that holds it: ${type} ${body}`, async () => {
      const fetch = async () => new Response(body, { headers: { "content-type": type, "x-cost": "0.25", "x-request-id": "id-1" } });
      const client = new segmind.Segmind({ apiKey: "SG_0123456789abcdef", fetch });
      await assert.rejects(client.fluxImg2img.run(PARAMS), (error) => {
        assert.deepEqual([error.constructor, error.body, error.requestId], [segmind.UnexpectedOutput, kept ?? "null", "id-1"]);
        assert.deepEqual([error.status, error.cost, error.maybeBilled], [200, 0.25, true]);
        return true;
      });
      assert.deepEqual([client.spend.credits, client.spend.unknown], [0.25, 0]);
    });
  }

  test("JSON that is cut off is an error of each call and each poll", async () => {
    const fetch = async () => new Response('{"status": "COMPL', { headers: { "content-type": "application/json", "x-cost": "0.25" } });
    const client = new segmind.Segmind({ apiKey: "SG_0123456789abcdef", fetch, maxRetries: 0 });
    const job = client.jobs.resume("r1");
    const calls = [
      () => client.runSync("any", {}),
      () => client.fluxDevFinetuned.run(EXAMPLES["flux-dev-finetuned"]),
      () => client.fluxImg2img.submit(PARAMS),
    ];
    for (const call of calls) {
      await assert.rejects(call, { name: "UnexpectedOutput", cost: 0.25, maybeBilled: true, body: '{"status": "COMPL' });
    }
    for (const poll of [() => job.status(), () => job.result(), () => job.wait()]) {
      await assert.rejects(poll, { name: "UnexpectedOutput", requestId: "r1" });
    }
    await assert.rejects(client.credits(), { name: "UnexpectedOutput" });
    assert.deepEqual([client.spend.credits, client.spend.unknown], [0.75, 0]);
  });
});

describe("input images", () => {
  const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3);
  const EXPECTED = `data:image/jpeg;base64,${Buffer.from(JPEG).toString("base64")}`;
  const given = { bytes: JPEG, buffer: JPEG.buffer, blob: new Blob([JPEG]), typed: new Blob([JPEG], { type: "image/jpeg" }) };
  for (const [name, image] of Object.entries(given)) {
    test(`${name} becomes a data URL`, async () => {
      const { client, tenant } = setUp({ validate: true });
      await client.fluxImg2img.run({ ...PARAMS, image });
      const [post] = await tenant.requests("POST");
      assert.equal(JSON.parse(post.request.body).image, EXPECTED);
    });
  }

  const kinds = {
    jpeg: [0xff, 0xd8, 0xff, 0xe0],
    png: [0x89, 0x50, 0x4e, 0x47],
    webp: [...Buffer.from("RIFF1234WEBP")],
    gif: [...Buffer.from("GIF89a")],
    bmp: [...Buffer.from("BM")],
    tiff: [...Buffer.from("II*\0")],
  };
  for (const [kind, opening] of Object.entries(kinds)) {
    test(`${kind} is recognised by its first bytes`, async () => {
      assert.equal((await sent(Uint8Array.from(opening))).split(";")[0], `data:image/${kind}`);
    });
  }

  const nothing = [new Uint8Array(), new ArrayBuffer(0), new Blob([]), new Blob([], { type: "image/png" })];
  for (const [index, empty] of nothing.entries()) {
    test(`an empty image is rejected before anything is sent: ${index}`, async () => {
      await assert.rejects(sent(empty), (error) => error instanceof TypeError && /image is empty/.test(error));
    });
  }

  test("bytes that are not an image are rejected, unless they are a Blob with a type", async () => {
    const hello = new TextEncoder().encode("hello");
    for (const wrong of [hello, hello.buffer, new Blob([hello])]) {
      await assert.rejects(sent(wrong), (error) => error instanceof TypeError && /image is not an image/.test(error));
    }
    assert.equal(await sent(new Blob([hello], { type: "image/avif" })), "data:image/avif;base64,aGVsbG8=");
  });

  /** Returns an image as it is sent. */
  async function sent(image) {
    let body;
    const fetch = async (_url, init) => ((body = JSON.parse(init.body)), new Response('{"image": "aGk="}'));
    const client = new segmind.Segmind({ apiKey: "key", fetch });
    await client.fluxImg2img.run({ ...PARAMS, image }).finally(() => assert.equal(client.spend.unknown, body ? 1 : 0));
    return body.image;
  }

  test("a URL is sent as its text, and a large file in one piece", async () => {
    const { client, tenant } = setUp();
    await client.fluxImg2img.run({ ...PARAMS, image: new URL("https://host.test/a b.png") });
    const [post] = await tenant.requests("POST");
    assert.equal(JSON.parse(post.request.body).image, "https://host.test/a%20b.png");
    const large = new Uint8Array(300_000).map((_, index) => JPEG[index] ?? index % 251);
    let sent;
    const fetch = async (_url, init) => ((sent = JSON.parse(init.body)), new Response(`{"image": "aGk="}`));
    await new FluxImg2img({ apiKey: "key", fetch }).run({ ...PARAMS, image: large });
    assert.deepEqual(new Uint8Array(Buffer.from(sent.image.split(",")[1], "base64")), large);
  });

  test("values that JSON can't represent are rejected before anything is sent", async () => {
    const { client, tenant } = setUp();
    for (const wrong of [NaN, Infinity, 2 ** 53, -(2 ** 53), { a: 1n }]) {
      await assert.rejects(client.fluxImg2img.run({ ...PARAMS, seed: wrong }), segmind.SegmindError);
    }
    assert.deepEqual(await tenant.requests("POST"), []);
  });

  test("integers of any size are sent exactly", async () => {
    for (const seed of [1n, 2 ** 53 - 1, 9007199254740993n, -(10n ** 30n)]) {
      let sent;
      const fetch = async (_url, init) => ((sent = init.body), new Response(`{"image": "aGk="}`));
      await new FluxImg2img({ apiKey: "key", fetch, validate: true }).run({ ...PARAMS, seed });
      assert.match(sent, new RegExp(`"seed":${seed}[,}]`));
    }
  });
});

describe("signals", () => {
  test("with a signal that is already aborted, nothing is sent", async () => {
    const { client, tenant } = setUp();
    const failed = client.fluxImg2img.run(PARAMS, { signal: AbortSignal.abort() });
    await assert.rejects(failed, { name: "AbortError", maybeBilled: false });
    assert.deepEqual(await tenant.requests("POST"), []);
    assert.equal(client.spend.unknown, 0);
  });

  test("a running call that is aborted may have been billed", async () => {
    const { client, tenant } = setUp();
    await tenant.admin("POST", "rules", { latency: { distribution: "constant", seconds: 0.4 } });
    const failed = client.fluxImg2img.run(PARAMS, { signal: AbortSignal.timeout(100) });
    await assert.rejects(failed, (error) => error instanceof segmind.RequestAborted && error.maybeBilled);
    assert.equal((await tenant.admin("GET", "requests/wait?count=1&method=POST")).length, 1);
  });

  test("an abort ends a wait immediately, between polls and before a retry", async () => {
    for (const scenario of [undefined, "rate-limited"]) {
      const { client, tenant } = setUp({ clock: undefined });
      await tenant.admin("POST", "jobs/policy", { policy: "held" });
      const job = await client.fluxImg2img.submit(PARAMS);
      if (scenario) {
        await tenant.admin("POST", "rules", { scenario, route: "status" });
      }
      const failed = job.wait({ signal: AbortSignal.timeout(150) });
      await assert.rejects(failed, { name: "AbortError", requestId: job.requestId, maybeBilled: false });
    }
  });
});

describe("jobs", () => {
  test("a job is resumed from its JSON or by its id", async () => {
    const { client } = setUp();
    const job = await client.fluxImg2img.submit(PARAMS);
    const saved = JSON.parse(JSON.stringify(job));
    assert.deepEqual(Object.keys(saved).sort(), ["requestId", "slug", "submitResponse", "submittedAt"]);
    assert.equal((await client.jobs.resume(saved).wait()).status, "COMPLETED");
    assert.equal((await client.jobs.resume(job.requestId).result()).status, "COMPLETED");
    assert.equal(client.jobs.resume(saved).slug, "flux-img2img");
    assert.equal((await client.jobs.resume(JSON.stringify(job)).wait()).status, "COMPLETED");
    assert.equal(client.jobs.resume(JSON.stringify(job)).slug, "flux-img2img");
  });

  for (const wrong of [5, {}, null, undefined, [], { requestId: 5 }, "{}"]) {
    test(`a value that is not a job is rejected: ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => setUp().client.jobs.resume(wrong), TypeError);
    });
  }

  test("onUpdate sees each state once", async () => {
    const { client, tenant } = setUp();
    await tenant.admin("POST", "jobs/policy", { policy: "polls=5" });
    const states = [];
    await (await client.fluxImg2img.submit(PARAMS)).wait({ onUpdate: ({ status }) => states.push(status) });
    assert.equal(new Set(states).size, states.length);
    assert.equal(states.at(-1), "COMPLETED");
  });

  test("an unknown state counts as pending", async () => {
    const records = ["ODD", undefined, "completed", "COMPLETED", "COMPLETED"].map((status) => ({ status }));
    const fetch = async () => Response.json(records.shift());
    const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock: new Clock() });
    assert.equal((await client.jobs.resume("r1").wait()).status, "COMPLETED");
    assert.equal(records.length, 0);
  });

  test("a wait survives a long outage", async () => {
    const clock = new Clock();
    const end = clock.now() + 30_000;
    const fetch = async () => (clock.now() < end ? new Response("", { status: 502 }) : Response.json({ status: "COMPLETED" }));
    const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock });
    assert.equal((await client.jobs.resume("r1").wait({ timeoutMs: 60_000 })).status, "COMPLETED");
  });

  test("a refused poll is not repeated, whatever its body", async () => {
    const fetch = async () => new Response("{cut", { status: 401, headers: { "content-type": "application/json" } });
    const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock: new Clock() });
    await assert.rejects(client.jobs.resume("r1").wait(), { name: "Unauthorized", attempts: 1 });
  });

  for (const [of, settings, options] of [["client", { maxRetries: 0 }, {}], ["wait", {}, { maxRetries: 0 }]]) {
    test(`nothing is repeated if maxRetries of the ${of} is 0`, async () => {
      const fetch = async () => new Response("", { status: 502 });
      const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock: new Clock(), ...settings });
      await assert.rejects(client.jobs.resume("r1").wait(options), { name: "BadGateway", attempts: 1 });
    });
  }

  test("pauses grow from short to the longest, and one ends at the typical time", () => {
    assert.equal(pollDelay(0, 0, 1000), 50);
    assert.equal(pollDelay(2000, 0, 1000), 200);
    assert.equal(pollDelay(60_000, 0, 1000), 1000);
    assert.equal(pollDelay(24_500, 24_990, 1000), 490);
    assert.equal(pollDelay(25_000, 24_990, 1000), 1000);
    assert.equal(pollDelay(60_000, 0, 1), 50);
  });

  for (const seconds of [1, 5]) {
    test(`the result of a job of ${seconds} s arrives within 1.15 times its duration`, async () => {
      const clock = new Clock();
      const end = clock.now() + seconds * 1000;
      const fetch = async () => Response.json({ status: clock.now() >= end ? "COMPLETED" : "PROCESSING" });
      const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock });
      await client.jobs.resume("r1").wait();
      assert.ok(clock.now() <= end + seconds * 150, `${clock.now() - end} ms late`);
    });
  }
});

class Clock {
  time = 1_700_000_000_000;
  now = () => this.time;
  sleep = async (ms) => {
    this.time += ms;
  };
}

describe("retries", () => {
  test("a request that was not sent is retried, even a POST", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => closed.once("listening", resolve));
    const baseUrl = `http://127.0.0.1:${closed.address().port}`;
    await new Promise((resolve) => closed.close(resolve));
    const { client } = setUp({ baseUrl });
    const failed = client.fluxImg2img.run(PARAMS);
    await assert.rejects(failed, { name: "ConnectionFailed", attempts: 3, maybeBilled: false });
    assert.equal(client.spend.unknown, 0);
  });

  test("a failed TLS handshake has sent nothing", async () => {
    const { client } = setUp({ baseUrl: MOCK.replace("http:", "https:") });
    await assert.rejects(client.fluxImg2img.run(PARAMS), { name: "ConnectionFailed", attempts: 3, maybeBilled: false });
    assert.equal(client.spend.unknown, 0);
  });

  const neverSent = [
    { code: "ConnectionRefused" },
    { message: "error sending request: client error (Connect): refused" },
    { message: "EPROTO: The TLS handshake failed. Does the server speak TLS on this port?", code: "EPROTO" },
    { message: "Fetch failed: Requests to port 6666 are blocked" },
    { message: "self signed certificate", code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    { cause: { message: "bad port" } },
    { cause: { message: "Client network socket disconnected before secure TLS connection was established", code: "ECONNRESET" } },
    ...["SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "CERT_HAS_EXPIRED"]
      .concat(["ERR_TLS_CERT_ALTNAME_INVALID", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"])
      .concat(["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "ERR_SSL_UNSUPPORTED_PROTOCOL"])
      .map((code) => ({ message: "fetch failed", cause: { code } })),
  ];
  for (const said of neverSent) {
    test(`the message of another runtime: ${JSON.stringify(said)}`, async () => {
      const fetch = async () => {
        throw Object.assign(new TypeError(said.message), said);
      };
      const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock: new Clock() });
      await assert.rejects(client.runSync("x", {}), { attempts: 3, maybeBilled: false });
    });
  }

  const perhapsSent = {
    ECONNRESET: "ConnectionFailed",
    ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: "ConnectionFailed",
    UND_ERR_SOCKET: "ConnectionFailed",
    UND_ERR_HEADERS_TIMEOUT: "RequestTimeout",
    UND_ERR_BODY_TIMEOUT: "RequestTimeout",
  };
  for (const [code, name] of Object.entries(perhapsSent)) {
    test(`${code} comes after a request, which is not repeated: ${name}`, async () => {
      const fetch = async () => {
        throw Object.assign(new TypeError("fetch failed"), { cause: { code } });
      };
      const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock: new Clock() });
      await assert.rejects(client.runSync("x", {}), { name, attempts: 1, maybeBilled: true });
    });
  }

  const now = Date.UTC(2026, 10, 21, 1, 0, 0);
  const resets = {
    "ISO, UTC": { "x-rate-limit-reset-at-utc": "2026-11-21T01:00:30Z" },
    "ISO without a zone": { "x-rate-limit-reset-at-utc": "2026-11-21 01:00:30" },
    "ISO with an offset": { "x-rate-limit-reset-at-utc": "2026-11-21T02:00:30+01:00" },
    "ISO with an offset to the west": { "x-rate-limit-reset-at-utc": "2026-11-20T20:00:30-05:00" },
    "seconds since the epoch": { "x-rate-limit-reset-at-utc": String(now / 1000 + 30) },
    "milliseconds since the epoch": { "x-rate-limit-reset-at-utc": String(now + 30_000) },
    "seconds from now": { "retry-after": "30" },
    "an HTTP date": { "retry-after": "Sat, 21 Nov 2026 01:00:30 GMT" },
    "against the gateway's own clock": { "retry-after": "Sat, 21 Nov 2026 05:00:30 GMT", date: "Sat, 21 Nov 2026 05:00:00 GMT" },
    "the gateway's header before Retry-After": { "x-rate-limit-reset-at-utc": "2026-11-21T01:00:30Z", "retry-after": "5" },
    "an odd header, then Retry-After": { "x-rate-limit-reset-at-utc": "soon", "retry-after": "30" },
  };
  for (const [name, headers] of Object.entries(resets)) {
    test(`429 states its time: ${name}`, () => {
      assert.equal(resetDelay(headers, now), 30_000);
    });
  }

  test("429 without a time, or with a past one, backs off", () => {
    for (const headers of [{}, { "retry-after": "soon" }, { "retry-after": "Sat, 21 Nov 2020 01:00:30 GMT" }]) {
      const delay = retryDelay("POST", { status: 429, headers, bytes: new Uint8Array() }, 1, now);
      assert.ok(delay >= 250 && delay <= 500);
    }
  });

  test("a wait beyond the deadline is not started", async () => {
    const clock = new Clock();
    const fetch = async () => Response.json({ error: "slow down" }, { status: 429, headers: { "retry-after": "121" } });
    const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock });
    const failed = client.runSync("x", {});
    await assert.rejects(failed, { name: "RateLimited", attempts: 1, retryAfterMs: 121_000, maybeBilled: false });
  });

  const mistakes = {
    throws: () => {
      throw new Error("mistake");
    },
    rejects: () => Promise.reject(new Error("mistake")),
  };
  for (const [how, mistake] of Object.entries(mistakes)) {
    test(`a listener that ${how} does not lose the result`, async () => {
      const { client } = setUp({ onEvent: mistake });
      assert.equal((await client.fluxImg2img.run(PARAMS)).cost, COST);
      const job = await client.fluxImg2img.submit(PARAMS);
      assert.equal((await job.wait({ onUpdate: mistake })).status, "COMPLETED");
      const [done] = await client.gather([() => client.fluxImg2img.run(PARAMS)], { onProgress: mistake });
      assert.equal(done.value.cost, COST);
    });
  }
});

describe("costs", () => {
  test("the ledger counts each call and each job once", async () => {
    const { client } = setUp();
    await client.fluxImg2img.run(PARAMS);
    const job = await client.fluxImg2img.submit(PARAMS);
    await job.wait();
    await job.wait();
    assert.equal(client.spend.credits, 2 * COST);
    assert.deepEqual(client.spend.byModel, { "flux-img2img": 2 * COST });
    assert.deepEqual([client.spend.calls, client.spend.unknown], [2, 0]);
  });

  test("maxSpend includes running calls", async () => {
    const { client, tenant } = setUp({ maxSpend: 0.12 });
    await client.fluxImg2img.run(PARAMS);
    const settled = await client.gather(Array.from({ length: 5 }, () => () => client.fluxImg2img.run(PARAMS)));
    assert.deepEqual(settled.map(({ status }) => status).sort(), ["fulfilled", ...Array(4).fill("rejected")]);
    assert.ok(settled.filter(({ reason }) => reason).every(({ reason }) => reason instanceof segmind.SpendLimit));
    assert.equal((await tenant.requests("POST")).length, 2);
  });
});

describe("uploads", () => {
  const STORED = "https://storage.host.test/1.png";
  const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...Array(40).fill(0)]);
  const MPEG = "data:audio/mpeg;base64,";

  /** A client whose gateway answers each request with this document, and the requests. */
  function stub(body, options = {}, status = 200) {
    const seen = [];
    const fetch = async (url, init) => {
      seen.push({ ...init, url: String(url), body: JSON.parse(await new Response(init.body).text()) });
      return Response.json(body, { status });
    };
    return { seen, client: new segmind.SegmindCore({ apiKey: "SG_0123456789abcdef", fetch, ...options }) };
  }

  test("the mock serves an uploaded file", async () => {
    const { client } = setUp();
    const large = new Uint8Array(3 * 2 ** 18 + 5).fill(7);
    large.set(PNG);
    for (const file of [PNG, PNG.slice().buffer, new Blob([large])]) {
      const answer = await fetch(await client.files.upload(file));
      assert.equal(answer.headers.get("content-type"), "image/png");
      const sent = new Uint8Array(await new Blob([file]).arrayBuffer());
      assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), sent);
    }
  });

  test("the vendor's host receives uploads only, and only without a base URL of the caller's own", async () => {
    const { client, seen } = stub({ file_urls: [STORED] });
    await client.runSync("any", { image: PNG });
    assert.equal(await client.files.upload(PNG), STORED);
    const own = stub({ urls: [STORED] }, { baseUrl: "https://proxy.test/gate" });
    await own.client.files.upload(PNG);
    assert.deepEqual(
      [...seen, ...own.seen].map(({ url }) => url),
      ["https://api.segmind.com/v1/any", "https://workflows-api.segmind.com/upload-asset", "https://proxy.test/gate/upload-asset"],
    );
    assert.ok([...seen, ...own.seen].every(({ redirect }) => redirect === "manual"));
  });

  test("the first bytes decide the media type", async () => {
    const { client, seen } = stub({ urls: [STORED] });
    const openings = { "audio/aac": "\xff\xf9P", "audio/mpeg": "\xff\xe3P", "video/x-msvideo": "RIFF....AVI ", "application/pdf": "%PDF-1" };
    for (const [type, text] of Object.entries({ ...openings, "model/gltf-binary": "glTF", "application/octet-stream": "\xff\xfea" })) {
      await client.files.upload(Uint8Array.from(text, (one) => one.charCodeAt(0)));
      assert.ok(seen.at(-1).body.data_urls[0].startsWith(`data:${type};base64,`), type);
    }
  });

  test("a URL that models can't fetch is an error, which contains no key and was not billed", async () => {
    const wrong = ["http://host.test/a", "http://127.0.0.1.host.test/a", "https://u:p@host.test/", "https:///a", "https://host.test/a b", "file:///a", "", 5];
    for (const url of [...wrong, `https://host.test/${"a".repeat(3000)}`]) {
      const { client } = stub({ urls: [url] });
      await assert.rejects(client.files.upload(PNG), (error) => error instanceof segmind.UnexpectedOutput && !error.maybeBilled);
    }
    for (const body of [{}, [], { urls: [] }, { urls: [STORED, STORED] }, { urls: STORED }]) {
      await assert.rejects(stub(body).client.files.upload(PNG), segmind.UnexpectedOutput);
    }
    const { client } = stub({ error: "bad key SG_0123456789abcdef" }, {}, 500);
    await assert.rejects(client.files.upload(PNG), (error) => !inspect(error).includes("SG_0") && !error.maybeBilled);
    await assert.rejects(client.files.upload("/etc/passwd"), TypeError);
    await assert.rejects(client.files.upload(new Uint8Array()), TypeError);
    await assert.rejects(client.files.upload({ arrayBuffer() {} }), TypeError);
    assert.equal(await client.files.upload(STORED), STORED);
  });

  test("only whole data URLs of a call are replaced, each file once, and big integers stay exact", async () => {
    const { client, seen } = stub({ urls: [STORED] }, { upload: 10 });
    const audio = `${MPEG}${"A".repeat(40)}`;
    const quoted = `say "${audio}"`;
    await client.runSync("any", { a: [PNG, { b: PNG }], audio, small: `${MPEG}AAAA`, quoted, seed: 2n ** 60n });
    assert.equal(seen.length, 3);
    assert.deepEqual(seen[2].body, { a: [STORED, { b: STORED }], audio: STORED, small: `${MPEG}AAAA`, quoted, seed: 2 ** 60 });
    await client.runSync("any", { a: PNG }, { upload: Infinity });
    assert.equal(seen.length, 4);
  });

  test("invalid limits are rejected, and a model created by itself takes none", async () => {
    for (const limit of [{ upload: -1 }, { upload: "never" }, { maxCost: -1 }, { maxCost: "1" }, { maxCost: NaN }]) {
      assert.throws(() => new segmind.SegmindCore({ apiKey: "key", ...limit }), RangeError);
      await assert.rejects(stub({}).client.runSync("any", {}, limit), RangeError);
    }
    const model = new FluxImg2img({ apiKey: "key", fetch: () => assert.fail("sent") });
    await assert.rejects(model.run(PARAMS, { maxCost: 1 }), /maxCost is 1; expected a client/);
    await assert.rejects(model.run(PARAMS, { upload: "auto" }), RangeError);
  });

  test("a limit of one call names both amounts, and a call without a known price is refused", async () => {
    const { client, tenant } = setUp({ maxCost: MOST });
    const refused = { name: "CostLimit", maxCost: 0.01, mayCost: MOST, model: "flux-img2img" };
    await assert.rejects(client.fluxImg2img.run(PARAMS, { maxCost: 0.01 }), refused);
    await assert.rejects(client.run("flux-img2img", PARAMS, { maxCost: 0.01 }), refused);
    await assert.rejects(client.runSync("unheard-of", {}), { name: "CostLimit", maxCost: MOST });
    assert.equal((await tenant.requests("POST")).length, 0);
    assert.equal((await client.run("flux-img2img", PARAMS)).status, "COMPLETED");
  });
});

describe("unknown costs", () => {
  test("running calls count as the most that a call may cost", async () => {
    const { client, tenant } = setUp({ maxSpend: MOST });
    const settled = await client.gather(Array.from({ length: 8 }, () => () => client.fluxImg2img.run(PARAMS)));
    assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await tenant.requests("POST")).length, 1);
  });

  test("a call that is rejected before it is sent counts nothing", async () => {
    const { client } = setUp({ maxSpend: MOST });
    await assert.rejects(client.fluxImg2img.run(PARAMS, { timeoutMs: 0 }), RangeError);
    assert.equal(client.spend.unknown, 0);
    assert.equal((await client.fluxImg2img.run(PARAMS)).cost, COST);
  });

  test("an expired job no longer counts as running", async () => {
    const { client, tenant } = setUp({ maxSpend: MOST });
    const job = await client.fluxImg2img.submit(PARAMS);
    await assert.rejects(client.fluxImg2img.submit(PARAMS), segmind.SpendLimit);
    await tenant.admin("POST", "clock", { advance: 3601 });
    await assert.rejects(job.wait(), segmind.ResultExpired);
    assert.equal(client.spend.unknown, 1);
    await client.fluxImg2img.submit(PARAMS);
  });

  test("a job resumed by its id alone counts, but for no model", async () => {
    const { client } = setUp();
    const { requestId } = await client.fluxImg2img.submit(PARAMS);
    await client.jobs.resume(requestId).wait();
    assert.equal(client.spend.credits, COST);
    assert.deepEqual(client.spend.byModel, {});
  });

  test("a log shows all figures", () => {
    assert.match(inspect(setUp({ maxSpend: 2 }).client.spend), /credits: 0.*calls: 0.*unknown: 0.*limit: 2/s);
  });
});

describe("many calls", () => {
  test("results are in order, a few run at a time, and failures are separate", async () => {
    const { client } = setUp();
    const seen = [];
    let running = 0;
    let most = 0;
    const calls = [30, 1, 20, 1, 10].map((ms, index) => async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, ms));
      running--;
      if (index === 3) {
        throw new Error("third");
      }
      return index;
    });
    const settled = await client.gather(calls, { concurrency: 2, onProgress: (done, total) => seen.push([done, total]) });
    assert.deepEqual(settled.map((each) => each.value ?? each.reason.message), [0, 1, 2, "third", 4]);
    assert.equal(most, 2);
    assert.deepEqual(seen, [1, 2, 3, 4, 5].map((done) => [done, 5]));
  });

  test("promises instead of functions are rejected before anything else is sent", async () => {
    const { client, tenant } = setUp();
    const calls = [() => client.fluxImg2img.run(PARAMS), Promise.resolve(1)];
    await assert.rejects(client.gather(calls), (error) => error instanceof TypeError && /functions/.test(error));
    assert.deepEqual(await tenant.requests("POST"), []);
  });

  test("no call starts after an abort", async () => {
    const { client } = setUp();
    const controller = new AbortController();
    let started = 0;
    const calls = Array.from({ length: 5 }, () => async () => {
      started++;
      controller.abort();
    });
    const settled = await client.gather(calls, { concurrency: 1, signal: controller.signal });
    assert.equal(started, 1);
    assert.equal(settled.filter(({ status }) => status === "rejected").length, 4);
  });
});

describe("settings", () => {
  test("a model works by itself, and key and address come from the environment", async () => {
    const { tenant } = setUp();
    Object.assign(process.env, { SEGMIND_API_KEY: tenant.key, SEGMIND_BASE_URL: `${MOCK}/v1/` });
    try {
      assert.equal((await new FluxImg2img().run(PARAMS)).cost, COST);
      assert.equal(new segmind.Segmind().baseUrl, MOCK);
    } finally {
      delete process.env.SEGMIND_API_KEY;
      delete process.env.SEGMIND_BASE_URL;
    }
  });

  test("without a key, nothing can be sent", () => {
    assert.throws(() => new segmind.Segmind(), (error) => error instanceof segmind.MissingApiKey && /SEGMIND_API_KEY/.test(error));
  });

  for (const baseUrl of ["nonsense", "ftp://host.test", "https://user:secret@host.test", "https://host.test?x=1", "https://host.test#x"]) {
    test(`an invalid address is rejected: ${baseUrl}`, () => {
      assert.throws(() => new segmind.Segmind({ apiKey: "key", baseUrl }), (error) => error instanceof TypeError && !/secret/.test(error));
    });
  }

  test("invalid times are rejected before anything is sent", async () => {
    const { client, tenant } = setUp();
    const wrong = [NaN, 0, -1, "200", null].map((timeoutMs) => ({ timeoutMs }));
    for (const options of [...wrong, { maxRetries: -1 }, { maxRetries: "1" }]) {
      assert.throws(() => new segmind.Segmind({ apiKey: "key", ...options }), RangeError);
      for (const call of ["run", "submit"]) {
        await assert.rejects(client.fluxImg2img[call](PARAMS, options), RangeError);
      }
    }
    for (const options of [...wrong, { intervalMs: 0 }, { intervalMs: "9" }, { maxRetries: -1 }]) {
      await assert.rejects(client.jobs.resume("r1").wait(options), RangeError);
      await assert.rejects(client.run("flux-img2img", PARAMS, options), RangeError);
    }
    for (const concurrency of [0, NaN, "2"]) {
      await assert.rejects(client.gather([], { concurrency }), RangeError);
    }
    assert.deepEqual([...(await tenant.requests("POST")), ...(await tenant.requests("GET"))], []);
    assert.throws(() => new segmind.Segmind({ apiKey: "key", maxSpend: "1" }), RangeError);
    assert.throws(() => new segmind.Segmind({ apiKey: "key", maxSpend: -1 }), RangeError);
  });

  test("a fetch that is not a function is rejected", () => {
    assert.throws(() => new segmind.Segmind({ apiKey: "key", fetch: "fetch" }), TypeError);
  });

  test("events report each step", async () => {
    const events = [];
    const { client, tenant } = setUp({ onEvent: (event) => events.push(event) });
    await tenant.admin("POST", "rules", { scenario: "rate-limited", times: 1 });
    await client.fluxImg2img.run(PARAMS);
    assert.deepEqual(events.map(({ type }) => type), ["request", "response", "retry", "request", "response"]);
    assert.deepEqual(events.map(({ attempt }) => attempt), [1, 1, 1, 2, 2]);
    assert.ok(events.every(({ model }) => model === "flux-img2img"));
  });

  test("errors have distinct classes and convert to JSON", async () => {
    const { client } = setUp();
    const error = await client.fluxImg2img.run({ ...PARAMS, steps: 999 }).catch((caught) => caught);
    assert.ok(error instanceof segmind.BadRequest && error instanceof segmind.SegmindError && error instanceof Error);
    const logged = JSON.parse(JSON.stringify(error));
    assert.deepEqual([logged.name, logged.status, logged.model, logged.attempts], ["BadRequest", 400, "flux-img2img", 1]);
    assert.equal(logged.request.method, "POST");
    assert.match(String(error), /^BadRequest: 400: .*range\.above/);
    assert.equal(segmind.JobFailed, segmind.InferenceFailed);
  });
});

/** Starts a server that runs a function of the test on each connection after a request arrives. */
async function playing(play, work) {
  const sockets = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => play(socket));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${server.address().port}`);
  } finally {
    sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => server.close(resolve));
  }
}

function again(socket, text) {
  const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write(text)), 30);
  socket.on("close", () => clearInterval(timer));
}

describe("one exchange", () => {
  const plays = {
    "headers that drip": (socket) => (socket.write("HTTP/1.1 200 OK\r\nx-more: "), again(socket, "x")),
    "informational answers without end": (socket) => again(socket, "HTTP/1.1 102 Processing\r\n\r\n"),
    "a body that drips": (socket) => (socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"), again(socket, " ")),
  };
  for (const [name, play] of Object.entries(plays)) {
    test(`the timeout covers ${name}`, () =>
      playing(play, async (baseUrl) => {
        const start = Date.now();
        const client = new segmind.SegmindCore({ apiKey: "key", baseUrl, timeoutMs: 300 });
        await assert.rejects(client.runSync("x", {}), { name: "RequestTimeout", maybeBilled: true });
        assert.ok(Date.now() - start < 2000);
      }));
  }

  test("a body over 256 MiB is an error with the id of the request, and is not requested again", async () => {
    const piece = new Uint8Array(1 << 20);
    let sent = 0;
    let asked = 0;
    const fetch = async () => {
      asked++;
      const body = new ReadableStream({ pull: (controller) => (sent++, controller.enqueue(piece)) }, { highWaterMark: 0 });
      return new Response(body, { headers: { "x-request-id": "id-1" } });
    };
    const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock: new Clock() });
    await assert.rejects(client.runSync("x", {}), { name: "ResponseTooLarge", requestId: "id-1", maybeBilled: true });
    assert.deepEqual([sent, asked], [257, 1]);
    await assert.rejects(client.jobs.resume("r1").wait(), { name: "ResponseTooLarge", requestId: "r1", maybeBilled: false });
    assert.equal(asked, 2);
  });

  test("a body without a stream, as in React Native, is read", async () => {
    const fetch = async () => ({ status: 200, ok: true, headers: new Headers(), arrayBuffer: async () => Uint8Array.of(1).buffer });
    const result = await new segmind.SegmindCore({ apiKey: "key", fetch }).runSync("x", {});
    assert.deepEqual([...result.content], [1]);
  });

  test("a caching fetch, as in Next.js, does not keep a job from ending", async () => {
    const kept = new Map();
    const records = ["QUEUED", "PROCESSING", "COMPLETED"];
    let posts = 0;
    const answer = (url, { method }) =>
      method === "POST" ? { request_id: `r${++posts}` } : { status: url.endsWith("/status") ? records.shift() : "COMPLETED" };
    const fetch = async (url, init = {}) => {
      const key = `${init.method} ${url} ${init.body}`;
      const text = (init.cache !== "no-store" && kept.get(key)) || JSON.stringify(answer(url, init));
      kept.set(key, text);
      return new Response(text);
    };
    const client = new segmind.SegmindCore({ apiKey: "key", fetch, clock: new Clock() });
    assert.equal((await client.run("x", { prompt: "q" }, { timeoutMs: 9000 })).status, "COMPLETED");
    assert.equal((await client.submitAsync("x", { prompt: "q" })).requestId, "r2");
  });

  test("the option is omitted if Request does not have the property", async () => {
    const { Request } = globalThis;
    let seen;
    globalThis.Request = class {};
    try {
      const fetch = async (_url, init) => ((seen = init), new Response("{}"));
      await new segmind.SegmindCore({ apiKey: "key", fetch }).runSync("x", {});
    } finally {
      globalThis.Request = Request;
    }
    assert.ok(!("cache" in seen));
  });

  test("a run that is aborted while it waits has the id of its job", async () => {
    const { client, tenant } = setUp({ clock: undefined });
    await tenant.admin("POST", "jobs/policy", { policy: "held" });
    const controller = new AbortController();
    const options = { signal: controller.signal, onUpdate: () => controller.abort() };
    const failed = await client.run("flux-img2img", PARAMS, options).catch((error) => error);
    assert.equal(failed.name, "AbortError");
    assert.equal(client.jobs.resume(failed.requestId).requestId, (await tenant.admin("GET", "jobs"))[0].request_id);
  });

  test("a deeply nested parameter is one of the client's own errors, unless the runtime can send it", async () => {
    const deep = Array.from({ length: 20_000 }).reduce((inner) => [inner], 1);
    let asked = 0;
    const client = new segmind.SegmindCore({ apiKey: "key", fetch: async () => (asked++, new Response("{}")) });
    const error = await client.runSync("x", { deep }).then(() => undefined, (error) => error);
    assert.ok(asked ? !error : error instanceof segmind.CannotSend, error);
  });

  for (const [name, call] of Object.entries({
    "an id that is no segment": (client) => client.jobs.resume("..").wait(),
    "an id that is no text": (client) => client.jobs.resume("\ud800").wait(),
    "a slug that is no text": (client) => client.runSync("a\udfff", {}),
    "a slug that is empty": (client) => client.submitAsync("", {}),
  })) {
    test(`${name} is one of the client's own errors, and nothing is sent`, async () => {
      let asked = 0;
      const client = new segmind.SegmindCore({ apiKey: "key", fetch: async () => (asked++, new Response("{}")) });
      await assert.rejects(call(client), (error) => error instanceof segmind.CannotSend && !error.maybeBilled);
      assert.deepEqual([asked, client.spend.unknown], [0, 0]);
    });
  }

  for (const output of ["https:", "http://[::1", "https://a b/", "http://h:99999/"]) {
    test(`an output at an invalid address is not downloaded: ${output}`, async () => {
      const fetch = async (url, init) =>
        url.startsWith("https://gateway.test/") ? Response.json({ status: "COMPLETED", output }) : globalThis.fetch(url, init);
      const client = new segmind.SegmindCore({ apiKey: "key", baseUrl: "https://gateway.test", fetch, maxRetries: 0 });
      await assert.rejects(client.jobs.resume("r1", segmind.MediaResult).download(), (error) => error instanceof segmind.SegmindError && error.requestId === "r1");
    });
  }

  const HOSTILE = "no\r\n paid \x1b[31m\x07\u202e\u2028\x85 https://bob:hunter2@a.test/x?y=z@w";
  const isPlain = (text) => !/\p{C}|\u2028|hunter2|bob/u.test(text);

  test("the gateway's text is shown without control characters and users of URLs", async () => {
    for (const error of [HOSTILE, { message: HOSTILE }]) {
      const fetch = async () => Response.json({ error, request_id: HOSTILE, status: "FAILED" }, { status: 422 });
      const client = new segmind.SegmindCore({ apiKey: "key", fetch });
      for (const call of [() => client.runSync("any", {}), () => client.jobs.resume("r1").wait()]) {
        await assert.rejects(call, (caught) => isPlain(caught.message) && isPlain(caught.detail) && caught.body.error !== undefined);
      }
      if (typeof error === "string") {
        await assert.rejects(client.runSync("any", {}), { detail: "no paid [31m https://a.test/x?y=z@w" });
      }
    }
  });

  test("the text of a failed connection is shown without control characters and users of URLs", async () => {
    const events = [];
    const fetch = async () => {
      throw new TypeError(HOSTILE);
    };
    const client = new segmind.SegmindCore({ apiKey: "key", fetch, maxRetries: 0, onEvent: (event) => events.push(event) });
    await assert.rejects(client.runSync("any", {}), (error) => isPlain(error.message) && isPlain(error.detail));
    assert.ok(events.map(({ detail = "" }) => detail).every(isPlain));
  });

  test("the user of a download's URL is shown nowhere but in the record", async () => {
    const record = { status: "COMPLETED", output: "https://bob:hunter2@a.test/x" };
    const events = [];
    const fetch = async (url, init) => (url.startsWith("https://gateway.test/") ? Response.json(record) : globalThis.fetch(url, init));
    const onEvent = (event) => events.push(event);
    const client = new segmind.SegmindCore({ apiKey: "key", baseUrl: "https://gateway.test", fetch, maxRetries: 0, onEvent });
    await assert.rejects(client.jobs.resume("r1").download(), (error) => isPlain(`${error.message} ${error.detail} ${error.request.url}`));
    assert.ok(events.every(({ url, detail = "" }) => isPlain(`${url} ${detail}`)));
  });

  test("fetch is not called as a method", async () => {
    async function fetch() {
      assert.ok(this === undefined || this === globalThis);
      return new Response("{}");
    }
    await new segmind.SegmindCore({ apiKey: "key", fetch }).credits();
  });

  test("an id with broken text is rejected", () => {
    assert.throws(() => setUp().client.jobs.resume('{"requestId":'), TypeError);
  });
});
