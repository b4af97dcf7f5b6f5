/** Each method of the mock that `startMock` starts, as a test of a user's calls it. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Mock, MockError, startMock } from "segforge-mock";

const IMAGE = "https://example.com/style.png";
let mock;
before(async () => {
  mock = await startMock({ timeScale: 0, media: "tiny", credits: 50 });
});
beforeEach(() => mock.reset());
after(() => mock.stop());

async function send(path, body, headers = {}) {
  const init = { headers: { "x-api-key": process.env.SEGMIND_API_KEY, "content-type": "application/json", ...headers } };
  const options = body === undefined ? init : { ...init, method: "POST", body: JSON.stringify(body) };
  return fetch(`${process.env.SEGMIND_BASE_URL}${path}`, options);
}

async function submit() {
  return (await (await send("/v2/style-transfer", { style_image: IMAGE })).json()).request_id;
}

test("the environment points to the mock, and to no proxy", () => {
  assert.ok(mock instanceof Mock);
  assert.equal(process.env.SEGMIND_BASE_URL, mock.url);
  assert.equal(mock.baseUrl, `${mock.url}/v1`);
  assert.deepEqual(mock.environment, { SEGMIND_BASE_URL: mock.url, SEGMIND_API_KEY: mock.key });
  process.env.HTTP_PROXY = "http://127.0.0.1:1";
  process.env.NO_PROXY = "internal";
  assert.equal(mock.environment.NO_PROXY, "internal,127.0.0.1");
  delete process.env.HTTP_PROXY;
  delete process.env.NO_PROXY;
});

test("scenarios, latencies and stubs apply, are counted and are removed", async () => {
  await mock.scenario("rate-limited", { times: 1, route: "credits" });
  await mock.latency(0.001, "lognormal", { sigma: 0.1, route: "credits", afterEffect: true });
  await mock.stub("credits", { answer: { status: 503, json: { error: "later" } }, times: 1 });
  assert.deepEqual([(await send("/v1/get-user-credits")).status, (await send("/v1/get-user-credits")).status], [429, 503]);
  const [first, second, third] = await mock.stubs();
  assert.deepEqual([first.applied, third.applied], [1, 1]);
  assert.deepEqual(second.latency, { distribution: "lognormal", seconds: 0.001, sigma: 0.1, after_effect: true });
  await mock.clearScenarios();
  assert.deepEqual(await mock.stubs(), []);
});

test("the clock moves", async () => {
  const before = await mock.clock.now();
  await mock.clock.advance(3600);
  assert.ok((await mock.clock.now()) >= before + 3600);
});

test("jobs are held, released, finished, failed and changed", async () => {
  await mock.jobPolicy("held");
  const ids = [await submit(), await submit(), await submit()];
  await mock.editJob(ids[0], { cost: 2 });
  await mock.finishJob(ids[0]);
  await mock.failJob(ids[1], "out of memory", { failedStatus: 200 });
  const jobs = await mock.jobs();
  assert.deepEqual(jobs.map((job) => job.requestId), ids);
  assert.deepEqual(jobs.map((job) => job.status), ["COMPLETED", "FAILED", "QUEUED"]);
  assert.deepEqual([jobs[0].cost, jobs[1].error, jobs[2].payload], [2, "out of memory", { style_image: IMAGE }]);
  const failed = await send(`/v2/requests/${ids[1]}/status`);
  assert.equal(failed.status, 200);
  await mock.release();
  assert.equal((await mock.jobs())[2].status, "COMPLETED");
  await mock.jobPolicy(null);
});

test("profile, rate limit and balance are set", async () => {
  await mock.setCredits(12.5);
  assert.equal(await mock.credits(), 12.5);
  await mock.profile("observed");
  assert.equal((await send("/v2/style-transfer", {})).status, 200);
  await mock.profile(null);
  assert.equal((await send("/v2/style-transfer", { style_image: 1 })).status, 400);
  await mock.rateLimit(1);
  const statuses = [await send("/v1/get-user-credits"), await send("/v1/get-user-credits")].map((answer) => answer.status);
  assert.ok(statuses.includes(429));
  await mock.rateLimit(null);
});

test("requests are recorded, and can be awaited", async () => {
  const awaited = mock.waitFor(1, { route: "submit", timeout: 30 });
  const id = await submit();
  const [request] = await awaited;
  assert.deepEqual([request.method, request.path, request.slug], ["POST", "/v2/style-transfer", "style-transfer"]);
  assert.deepEqual([JSON.parse(request.body), request.running], [{ style_image: IMAGE }, false]);
  const [recorded] = await mock.requests();
  assert.equal(JSON.parse(recorded.responseBody).request_id, id);
  assert.ok(!JSON.stringify(recorded).includes(mock.key));
  await assert.rejects(mock.waitFor(9, { timeout: 0 }), { name: "MockError", status: 504, message: /expected 9 requests/ });
});

test("a value that is not valid rejects with what was expected", async () => {
  await assert.rejects(mock.profile("none"), { name: "MockError", status: 400, message: /documented, observed/ });
  await assert.rejects(mock.scenario("no-such"), MockError);
  await assert.rejects(mock.failJob("unknown", "error"), MockError);
});

test("a second mock restores the environment of the first", async () => {
  const second = await startMock({ command: [process.env.SEGFORGE], key: "SG_00000000000000ff" });
  assert.equal(process.env.SEGMIND_API_KEY, "SG_00000000000000ff");
  await second.stop();
  await second.stop();
  assert.equal(process.env.SEGMIND_BASE_URL, mock.url);
  await assert.rejects(second.credits(), /Was it stopped\?/);
  const third = await startMock({ setEnvironment: false });
  assert.equal(process.env.SEGMIND_BASE_URL, mock.url);
  await third.stop();
});
