/** Runs tests/conformance/client_cases.yaml, which pytest passes as JSON, on the mock. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as segmind from "segmind-client";
import * as journal from "segmind-client/journal";
import { MOCK, Tenant } from "./mock.mjs";

const { cases, refusals, examples } = JSON.parse(process.env.CASES);

/** All runtimes but Node repeat a GET themselves if the connection is lost before the answer, without our wait. */
function resent({ mock }) {
  const lost = mock?.scenarios?.some(({ scenario, route }) => scenario === "drop-before" && route === "status");
  return lost && process.env.RUNTIME !== "node";
}

function property(slug) {
  return slug.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

async function setUp(tenant, { scenarios = [], latency, credits, profile, job = "instant" }) {
  await tenant.admin("POST", "jobs/policy", { policy: job });
  for (const rule of scenarios) {
    await tenant.admin("POST", "rules", rule);
  }
  if (latency !== undefined) {
    await tenant.admin("POST", "rules", { latency: { distribution: "constant", seconds: latency } });
  }
  if (credits !== undefined) {
    await tenant.admin("PUT", "credits", { credits });
  }
  if (profile !== undefined) {
    await tenant.admin("PUT", "profile", { profile });
  }
}

const HAS_FILES = !["workerd", "browser"].includes(process.env.RUNTIME);

/** Runs and resumes a batch. Throws its first failure. */
async function runBatch({ batch, mock, expect }, client, tenant, call) {
  const [fs, os] = await Promise.all(["fs", "os"].map((name) => import(`node:${name}`)));
  const folder = fs.mkdtempSync(`${os.tmpdir()}/segmind-table-`);
  let done;
  for (let run = 1; run <= batch.runs; run++) {
    done = await journal.gather(client, Array(batch.calls).fill(call), {
      journal: `${folder}/run.jsonl`,
      concurrency: 1,
      maxSpend: batch.max_spend,
      timeoutMs: run < batch.runs && batch.wait !== undefined ? batch.wait * 1000 + 1 : undefined,
      resendInDoubt: run === batch.runs && batch.resend_in_doubt,
    });
    if (mock?.advance) {
      await tenant.admin("POST", "clock", { advance: mock.advance });
    }
  }
  fs.rmSync(folder, { recursive: true });
  assert.deepEqual(done.inDoubt, expect.in_doubt ?? []);
  for (const error of done.failures.values()) {
    throw error;
  }
  return done;
}

/** Creates the client. Settings that the case takes from the environment are not passed as options. */
function clientOf(each, tenant, events, controller) {
  const { timeout, retries, validate, max_spend: maxSpend, max_cost: maxCost, upload } = each.client ?? {};
  const values = { SEGMIND_API_KEY: tenant.key, SEGMIND_BASE_URL: MOCK };
  const given = each.environment ?? {};
  const options = {
    ...("SEGMIND_API_KEY" in given ? {} : { apiKey: tenant.key }),
    ...("SEGMIND_BASE_URL" in given ? {} : { baseUrl: MOCK }),
    timeoutMs: timeout && timeout * 1000,
    maxRetries: retries,
    validate,
    maxSpend,
    maxCost,
    upload,
    clock: each.interrupt === "pause" ? { ...tenant.clock, sleep: async () => controller.abort() } : tenant.clock,
    onEvent: (event) => {
      events.push(event);
      if (each.interrupt === "answer" && event.type === "response" && event.method === "POST") {
        controller.abort();
      }
    },
  };
  globalThis.process ??= { env: {} }; // a browser has none
  const variables = globalThis.process.env;
  const before = { ...variables };
  try {
    for (const [name, value] of Object.entries(given)) {
      variables[name] = value === "mock" ? values[name] : value;
    }
    return new segmind.Segmind(options);
  } finally {
    for (const name of Object.keys(given)) {
      name in before ? (variables[name] = before[name]) : delete variables[name];
    }
  }
}

async function perform(each, client, tenant, updates, signal) {
  const slug = each.model ?? "flux-img2img";
  switch (each.call) {
    case "chat":
      return client.chat(slug, each.messages, each.with);
    case "chat_sync":
      return client.chatSync(slug, each.messages, each.with);
  }
  const params = { ...examples[slug], ...each.with };
  for (const name of each.without ?? []) {
    delete params[name];
  }
  for (const [name, size] of Object.entries(each.file ?? {})) {
    params[name] = new Uint8Array(size);
    params[name].set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  }
  const model = client[property(slug)];
  switch (each.call) {
    case "batch":
      return runBatch(each, client, tenant, journal.call(model, params));
    case "check":
      return model.check(params);
    case "run":
      return model.run(params);
  }
  const job = each.call === "resume" ? client.jobs.resume(each.request_id) : await model.submit(params, { signal });
  if (each.mock?.advance) {
    await tenant.admin("POST", "clock", { advance: each.mock.advance });
  }
  switch (each.call) {
    case "submit":
      return job;
    case "result":
      return job.result();
  }
  const options = {
    signal,
    timeoutMs: each.wait?.timeout && each.wait.timeout * 1000,
    intervalMs: each.wait?.interval && each.wait.interval * 1000,
  };
  if (each.call === "wait" || each.call === "resume") {
    return job.wait(options);
  }
  for await (const update of job.updates(options)) {
    updates.push(update);
  }
  return updates.at(-1).record;
}

function checkError(error, expect) {
  assert.equal(error.constructor, segmind[expect.error] ?? journal[expect.error], `${error?.stack ?? JSON.stringify(error)}`);
  assert.equal(error.maybeBilled, expect.maybe_billed ?? false);
  if ("status" in expect) {
    assert.equal(error.status ?? null, expect.status);
  }
  if ("attempts" in expect) {
    assert.equal(error.attempts, expect.attempts);
  }
  assert.ok(error.detail.includes(expect.detail ?? ""), error.detail);
}

function checkResult(result, expect) {
  assert.ok(!(result instanceof Error), result?.stack);
  if (expect.result === "media") {
    assert.equal(result.constructor, segmind.MediaResult);
    assert.equal(result.contentType, "image/jpeg");
    assert.deepEqual([...result.images[0].subarray(0, 3)], [0xff, 0xd8, 0xff]);
  } else if (expect.result) {
    assert.equal(result.status, expect.result);
  }
  if (expect.said) {
    assert.equal(result.constructor, segmind.ChatResult);
    assert.ok(result.text.includes(expect.said), result.text);
    assert.equal(result.finishReason, expect.finish);
    assert.ok(result.usage.inputTokens && result.usage.outputTokens);
  }
  if ("cost" in expect) {
    assert.equal(result.cost ?? result.metrics.cost, expect.cost);
  }
}

function checkWithin(count, wanted, what) {
  const [low, high] = [wanted].flat().length === 2 ? wanted : [wanted, wanted];
  assert.ok(low <= count && count <= high, `${count} ${what}, not ${wanted}`);
}

describe("the behaviour table", { concurrency: 8 }, () => {
  for (const each of cases) {
    test(each.name, async () => {
      const { expect } = each;
      const tenant = new Tenant();
      await setUp(tenant, each.mock ?? {});
      const events = [];
      const updates = [];
      const controller = new AbortController();
      if (each.call === "batch" && !HAS_FILES) {
        await assert.rejects(journal.gather(clientOf(each, tenant, events, controller), [], { journal: "run.jsonl" }), TypeError);
        return;
      }
      const made = async () => perform(each, clientOf(each, tenant, events, controller), tenant, updates, controller.signal);
      const outcome = await made().catch((error) => error);
      if ("error" in expect) {
        checkError(outcome, expect);
      } else if ("misuse" in expect) {
        assert.equal(outcome.constructor, TypeError, outcome?.stack);
        assert.ok(outcome.message.includes(expect.misuse), outcome.message);
        assert.ok(!outcome.message.includes("secret"), outcome.message);
      } else if (expect.interrupted) {
        assert.equal(outcome.constructor, segmind.RequestAborted, outcome?.stack);
      } else {
        checkResult(outcome, expect);
      }
      if (expect.names_job) {
        const [{ request_id: job }] = await tenant.admin("GET", "jobs");
        assert.equal(outcome.requestId, job);
        assert.ok(events.some(({ requestId }) => requestId === job));
      }
      if (expect.states) {
        assert.deepEqual(updates.map(({ state }) => state), expect.states);
      }
      if (expect.violations) {
        const found = outcome.violations ?? outcome;
        assert.deepEqual(found.map(({ rule }) => rule), expect.violations);
      }
      if (each.mock?.latency) {
        await tenant.admin("GET", "requests/wait?count=1");
      }
      const posts = await tenant.requests("POST");
      const gets = await tenant.requests("GET");
      checkWithin(posts.length, expect.posts, "POSTs");
      checkWithin(gets.length, expect.gets ?? [0, 100], "GETs");
      for (const [name, form] of Object.entries(expect.sent ?? {})) {
        const value = JSON.parse(posts.at(-1).request.body)[name];
        assert.ok(value.startsWith(form === "data" ? "data:image/png;base64," : "http://127.0.0.1:"), value.slice(0, 40));
      }
      if (expect.body) {
        assert.deepEqual(JSON.parse(posts.at(-1).request.body), expect.body);
      }
      if (expect.repeated) {
        assert.equal(new Set(posts.map((post) => post.request.body)).size, 1);
      }
      const waits = events.filter(({ type }) => type === "retry").map(({ waitMs }) => waitMs / 1000);
      const wanted = resent(each) ? [] : (expect.waits ?? waits.map(() => [0, 61]));
      assert.equal(waits.length, wanted.length, `waits: ${waits}`);
      waits.forEach((wait, index) => checkWithin(wait, wanted[index], "seconds of waiting"));
    });
  }
});

describe("a client waits after a refusal", () => {
  for (const { name, headers, waits: wanted } of refusals) {
    test(name, async () => {
      let asked = 0;
      let time = Date.now();
      const waits = [];
      const client = new segmind.SegmindCore({
        apiKey: "key",
        clock: { now: () => time, sleep: async (ms) => void (time += ms) },
        fetch: async () => (asked++ < 2 ? new Response("{}", { status: 429, headers }) : new Response("{}")),
        onEvent: ({ waitMs }) => waitMs === undefined || waits.push(waitMs / 1000),
      });
      const outcome = await client.runSync("any", {}).catch((error) => error);
      assert.equal(waits.length, wanted.length, `waits: ${waits}`);
      waits.forEach((wait, index) => checkWithin(wait, wanted[index], "seconds of waiting"));
      assert.equal(outcome instanceof segmind.RateLimited, waits.length < 2);
    });
  }
});

const AMBIGUOUS = ["drop-before", "drop-during", "drop-after", "run-failed", "upstream-unavailable", "upstream-timeout"];

describe("a failure with unknown outcome causes no second POST", { concurrency: 8 }, () => {
  for (const scenario of AMBIGUOUS) {
    for (const call of ["run", "submit"]) {
      test(`${scenario} to ${call}`, async () => {
        const tenant = new Tenant();
        await setUp(tenant, { scenarios: [{ scenario }] });
        const client = new segmind.Segmind({ apiKey: tenant.key, baseUrl: MOCK, clock: tenant.clock, maxRetries: 9 });
        await assert.rejects(client.fluxImg2img[call](examples["flux-img2img"]), { maybeBilled: true });
        assert.equal((await tenant.requests("POST")).length, 1);
        assert.equal(client.spend.unknown, 1);
      });
    }
  }
});
