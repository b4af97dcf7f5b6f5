/** Batches with a journal, and the limiter, on the mock, in runtimes with files. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { RateLimited, RequestTimeout, Segmind, SpendLimit } from "segmind-client";
import { InDoubt, JournalError, call, gather, mapModels } from "segmind-client/journal";
import { limitedFetch } from "segmind-client/limiter";
import { CALLS, CONCURRENCY, batch } from "./batch_program.mjs";
import { MOCK, Tenant } from "./mock.mjs";

const image = "https://host.test/a.png";
const RUN = { node: [], deno: ["run", "--allow-all", "--no-lock"], bun: [] }[process.env.RUNTIME];

/** In memory if possible: the tests are about killed processes, not about machines that lose power. */
const BASE = fs.mkdtempSync(join(fs.existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "segmind-batch-"));
process.on("exit", () => fs.rmSync(BASE, { recursive: true, force: true }));

function place(name = "run.jsonl") {
  return join(fs.mkdtempSync(join(BASE, "-")), name);
}

function clientOf(tenant, options) {
  return new Segmind({ apiKey: tenant.key, baseUrl: MOCK, maxRetries: 0, ...options });
}

function calls(client, count = 3) {
  return Array.from({ length: count }, (_, number) => call(client.fluxIpadapter, { image, prompt: `${number}` }));
}

/** How often each prompt was paid for, by the mock's own book. */
async function book(tenant) {
  const paid = {};
  for (const { payload } of await tenant.admin("GET", "jobs")) {
    paid[payload.prompt] = (paid[payload.prompt] ?? 0) + 1;
  }
  return paid;
}

function failures(done) {
  return Object.fromEntries([...done.failures].map(([number, error]) => [number, error.constructor]));
}

describe("batches and the limiter", () => {
  test("a killed batch pays for nothing twice and loses nothing", async () => {
    for (const ms of [20, 150]) {
      const tenant = new Tenant();
      await tenant.admin("POST", "jobs/policy", { policy: "seconds=0.02" });
      await tenant.admin("POST", "rules", { route: "submit", latency: { distribution: "lognormal", seconds: 0.03 } });
      const journal = place();
      const folder = journal.replace("run.jsonl", "out");
      const child = spawn(process.execPath, [...RUN, "batch_program.mjs", tenant.key, MOCK, journal, folder], { stdio: "inherit" });
      await tenant.admin("GET", "requests/wait?count=1&timeout=30");
      await new Promise((resolve) => setTimeout(resolve, ms));
      child.kill("SIGKILL");
      await once(child, "exit");
      const whole = fs.readFileSync(journal, "utf-8").split("\n").slice(0, -1).map((line) => JSON.parse(line));
      fs.appendFileSync(journal, '{"call":3,"event":"acc');
      const done = await batch(tenant.key, MOCK, journal, folder);
      assert.ok(done.inDoubt.length <= CONCURRENCY);
      assert.deepEqual(failures(done), Object.fromEntries(done.inDoubt.map((number) => [number, InDoubt])));
      for (const { call: number, event, id } of whole) {
        assert.ok(event !== "accepted" || done.results[number].request_id === id);
      }
      const paid = await book(tenant);
      for (let number = 0; number < CALLS; number++) {
        const doubtful = done.inDoubt.includes(number);
        assert.ok(doubtful ? (paid[`call ${number}`] ?? 0) <= 1 : paid[`call ${number}`] === 1);
        assert.equal(done.files.get(number)?.every((path) => fs.existsSync(path)), doubtful ? undefined : true);
      }
      assert.equal((await batch(tenant.key, MOCK, journal, folder, { resendInDoubt: true })).failures.size, 0);
    }
  });

  test("several models are called with several inputs", async () => {
    const tenant = new Tenant();
    await tenant.admin("POST", "jobs/policy", { policy: "instant" });
    const client = clientOf(tenant);
    const inputs = ["a", "b"].map((prompt) => ({ image, prompt }));
    const journal = place();
    for (const count of [2, 2]) {
      const found = await mapModels(client, [client.fluxIpadapter, "no-such-model", "flux-ipadapter"], inputs, { journal });
      assert.deepEqual([...found.keys()], ["flux-ipadapter", "no-such-model"]);
      const { results, failures: refused, inDoubt } = found.get("flux-ipadapter");
      assert.deepEqual(results.map((record) => record.status), ["COMPLETED", "COMPLETED"]);
      assert.deepEqual([refused.size, inDoubt], [0, []]);
      assert.deepEqual([...found.get("no-such-model").failures.keys()], [0, 1]);
      assert.equal((await tenant.admin("GET", "jobs")).length, count);
    }
  });

  test("a batch that is done sends nothing again", async () => {
    const tenant = new Tenant();
    const client = clientOf(tenant);
    const journal = place();
    const folder = journal.replace("run.jsonl", "out");
    const progress = [];
    const first = await gather(client, calls(client), { journal, folder, onProgress: (done, total) => progress.push([done, total]) });
    assert.deepEqual(progress, [[1, 3], [2, 3], [3, 3]]);
    assert.deepEqual(fs.readFileSync(first.files.get(0)[0]).subarray(0, 3), Buffer.from([0xff, 0xd8, 0xff]));
    const sent = (await tenant.requests("GET")).length;
    assert.deepEqual(await gather(client, calls(client), { journal, folder }), first);
    fs.unlinkSync(first.files.get(1)[0]);
    assert.deepEqual(await gather(client, calls(client), { journal, folder }), first);
    assert.equal((await tenant.requests("GET")).length, sent + 1);
    const text = fs.readFileSync(journal, "utf-8");
    assert.ok(!text.includes(tenant.key) && !text.includes(image));
    assert.ok(!fs.existsSync(`${journal}.lock`));
  });

  test("each beginning of a journal is resumed", async () => {
    const tenant = new Tenant();
    const client = clientOf(tenant);
    const journal = place();
    await gather(client, calls(client), { journal, concurrency: 2 });
    const whole = fs.readFileSync(journal);
    const head = whole.indexOf("\n") + 1;
    const ends = [...whole.keys()].filter((at) => whole[at] === 10).map((at) => at + 1);
    const cuts = [0, 1, head - 1, ...ends, ...Array.from({ length: 6 }, (_, step) => head + step * 301)];
    for (const cut of cuts) {
      const file = place();
      fs.writeFileSync(file, whole.subarray(0, cut));
      const events = whole.subarray(0, cut).toString().split("\n").slice(1, -1).map((line) => JSON.parse(line));
      const of = (name) => new Set(events.filter(({ event }) => event === name).map((event) => event.call));
      const known = of("accepted");
      const inDoubt = [...of("send")].filter((number) => !known.has(number)).sort();
      const before = await book(tenant);
      const done = await gather(client, calls(client), { journal: file });
      assert.deepEqual(done.inDoubt, inDoubt);
      assert.deepEqual(failures(done), Object.fromEntries(inDoubt.map((number) => [number, InDoubt])));
      const after = await book(tenant);
      for (const number of [0, 1, 2]) {
        const added = after[number] - before[number];
        assert.equal(added, known.has(number) || inDoubt.includes(number) ? 0 : 1, `cut ${cut}, call ${number}`);
      }
    }
  });

  test("a lost submit is in doubt, and a refused one is sent again", async () => {
    const tenant = new Tenant();
    const client = clientOf(tenant);
    const journal = place();
    const run = (options) => gather(client, calls(client), { journal, concurrency: 1, ...options });
    await tenant.admin("POST", "rules", { scenario: "drop-after", route: "submit", times: 1 });
    await tenant.admin("POST", "rules", { scenario: "auth-invalid", route: "submit", after: 1, times: 1 });
    assert.deepEqual((await run()).inDoubt, [0]);
    const again = await run();
    assert.deepEqual(failures(again), { 0: InDoubt });
    assert.ok(again.failures.get(0).maybeBilled);
    assert.deepEqual(await book(tenant), { 0: 1, 1: 1, 2: 1 });
    assert.equal((await run({ resendInDoubt: true })).failures.size, 0);
    assert.deepEqual(await book(tenant), { 0: 2, 1: 1, 2: 1 });
  });

  test("maxSpend counts the calls of earlier runs", async () => {
    const tenant = new Tenant();
    const client = clientOf(tenant);
    const { creditsHigh } = await client.fluxIpadapter.estimate();
    const journal = place();
    for (const concurrency of [1, 8, 8]) {
      const done = await gather(client, calls(client, 20), { journal, concurrency, maxSpend: 2.2 * creditsHigh });
      assert.deepEqual(new Set(Object.values(failures(done))), new Set([SpendLimit]));
      const cost = (await tenant.admin("GET", "jobs")).reduce((total, job) => total + job.cost, 0);
      assert.ok(cost > 1.2 * creditsHigh && cost <= 2.2 * creditsHigh, `${cost} credits`);
    }
  });

  test("a journal that can't be used is refused before anything is sent", async () => {
    const tenant = new Tenant();
    const client = clientOf(tenant);
    const journal = place();
    await gather(client, calls(client), { journal });
    const sent = (await tenant.requests("POST")).length;
    const kept = fs.readFileSync(journal, "utf-8");
    const other = { notes: "my notes\n", damaged: kept.replace('"event":"accepted"', '"event":"acc'), python: kept.replace("typescript", "python") };
    for (const [name, text] of Object.entries(other)) {
      fs.writeFileSync(`${journal}.${name}`, text);
    }
    fs.writeFileSync(`${journal}.path`, `${kept}{"call":0,"event":"saved","files":["../x.png"]}\n`);
    fs.writeFileSync(`${journal}.busy.lock`, JSON.stringify({ pid: process.pid, host: "another computer" }));
    for (const [path, work, said] of [
      [journal, calls(client).reverse(), /call 0 has another model or other parameters/],
      [journal, calls(client, 4), /a batch of 3 calls; this one has 4/],
      [`${journal}.notes`, calls(client), /not the journal of a batch/],
      [`${journal}.damaged`, calls(client), /line \d of the journal .+ is damaged/],
      [`${journal}.path`, calls(client), /is damaged/],
      [`${journal}.python`, calls(client), /has client "python", not "typescript"/],
      [`${journal}.busy`, calls(client), /in use by another batch; wait for its end, or remove .+\.lock/],
      [join(journal, "none"), calls(client), /can't be used/],
    ]) {
      const error = await gather(client, work, { journal: path }).catch((caught) => caught);
      assert.ok(error instanceof JournalError, String(error));
      assert.match(error.message, said);
    }
    const twice = await Promise.allSettled([0, 1].map(() => gather(client, calls(client), { journal: `${journal}.two` })));
    assert.deepEqual(twice.map(({ status }) => status), ["fulfilled", "rejected"]);
    const loop = {};
    loop.loop = loop;
    await assert.rejects(gather(client, [call("any", loop)], { journal: `${journal}.three` }), RangeError);
    await assert.rejects(gather(client, [call("any", { fault: () => 1 })], { journal: `${journal}.three` }), TypeError);
    const at = (day) => gather(client, [call("no-such-model", { at: new Date(day) })], { journal: `${journal}.day` });
    await at(1);
    await assert.rejects(at(2), /other parameters/);
    assert.equal((await tenant.requests("POST")).length, sent + 4);
  });

  test("a limiter spaces the requests of all clients of its file", async () => {
    const tenant = new Tenant();
    const path = place("limit");
    const begin = Date.now();
    const ask = () => clientOf(tenant, { fetch: limitedFetch({ path, perMinute: 4, windowMs: 300 }) }).credits();
    await Promise.all(Array.from({ length: 9 }, ask));
    assert.ok(Date.now() - begin >= 600);
    const { times } = JSON.parse(fs.readFileSync(path, "utf-8"));
    assert.equal(times.length, 4);
    assert.ok(times[3] - times[0] >= 300);
  });

  test("a request without a turn in time is not sent", async () => {
    const tenant = new Tenant();
    const path = place("limit");
    const limited = (options) => clientOf(tenant, { fetch: limitedFetch({ path, perMinute: 1, ...options }) });
    await limited().credits();
    const late = await limited().fluxIpadapter.submit({ image, prompt: "a" }, { timeoutMs: 100 }).catch((error) => error);
    assert.ok(late instanceof RequestTimeout);
    assert.equal(late.maybeBilled, false);
    const refused = await limited({ longestMs: 5 }).fluxIpadapter.submit({ image, prompt: "a" }).catch((error) => error);
    assert.match(refused.message, /the limiter lets no request begin within 5 ms/);
    assert.equal(refused.maybeBilled, false);
    assert.equal((await tenant.requests("POST")).length, 0);
    await assert.rejects(limited({ windowMs: 5 }).credits(), /is of a limiter of 1 requests in 60000 ms/);
    fs.writeFileSync(path, "my notes");
    await assert.rejects(limited().credits(), /not the file of a limiter/);
  });

  test("a 429 pauses all clients of a limiter", async () => {
    const tenant = new Tenant();
    const path = place("limit");
    await tenant.admin("POST", "rules", { scenario: "rate-limited", times: 1 });
    await assert.rejects(clientOf(tenant, { fetch: limitedFetch({ path, perMinute: 9 }) }).credits(), RateLimited);
    const { pausedUntil } = JSON.parse(fs.readFileSync(path, "utf-8"));
    const left = pausedUntil - Date.now();
    assert.ok(left > -1000 && left < 61_000, `${left} ms`);
  });
});
