/** Attacks a mock from pages of other origins in Chromium, and prints what each page could read. */

import { createRequire } from "node:module";

const require = createRequire(process.env.TOOLS);
const { default: chromium } = await import(require.resolve("@sparticuz/chromium"));
const { default: puppeteer } = await import(require.resolve("puppeteer-core"));

const { KEY, MOCK_URL } = process.env;
const port = new URL(MOCK_URL).port;

/** Tries everything that a page can try. Returns what it could read, by the name of the attempt. */
async function attack(mock, key) {
  const read = {};
  const attempt = async (name, work) => {
    const timeout = new Promise((resolve) => setTimeout(resolve, 2_000, null));
    const found = await Promise.race([work().catch(() => null), timeout]);
    if (found) {
      read[name] = found;
    }
  };
  const ask = async (path, init) => {
    const answer = await fetch(`${mock}/_mock/${path}`, init);
    return answer.ok && `${answer.status} ${await answer.text()}`;
  };
  const json = { "content-type": "application/json" };
  const rule = JSON.stringify({ scenario: "auth-invalid" });
  const writes = { rules: rule, clock: '{"advance": 5}', reset: "", "jobs/policy": '{"policy": "held"}' };
  for (const path of ["requests", "jobs", "credits", "clock", "scenarios", "events", "models", "tenants", ""]) {
    await attempt(`GET ${path}`, () => ask(path));
    await attempt(`GET ${path} without CORS`, () => ask(path, { mode: "no-cors" }));
  }
  for (const [path, body] of Object.entries(writes)) {
    await attempt(`POST ${path} as text`, () => ask(path, { method: "POST", body, mode: "no-cors" }));
    await attempt(`POST ${path} as JSON`, () => ask(path, { method: "POST", body, headers: json }));
    await attempt(`POST ${path} without a type`, () => ask(path, { method: "POST", body: new Blob([body]) }));
    navigator.sendBeacon(`${mock}/_mock/${path}`, body);
    navigator.sendBeacon(`${mock}/_mock/${path}`, new Blob([body], { type: "text/plain" }));
  }
  await attempt("event stream", () => {
    const source = new EventSource(`${mock}/_mock/events`);
    return new Promise((resolve) => {
      source.onopen = () => resolve("opened");
      source.onerror = () => resolve(source.close());
    });
  });
  await attempt("module", async () => Object.keys(await import(`${mock}/_mock/console/api.js`)).join());
  await attempt("PUT credits", () => ask("credits", { method: "PUT", body: '{"credits": 0}', headers: json }));
  await attempt("DELETE requests", () => ask("requests", { method: "DELETE" }));

  const element = (name, attributes) =>
    new Promise((resolve) => {
      const made = Object.assign(document.createElement(name), attributes);
      made.onload = () => resolve(made);
      made.onerror = () => resolve(null);
      document.body.append(made);
    });
  await attempt("script", async () => (await element("script", { src: `${mock}/_mock/requests` })) && "loaded");
  await attempt("image", async () => (await element("img", { src: `${mock}/_mock/requests` })) && "loaded");
  await attempt("console in a frame", async () => {
    const frame = await element("iframe", { src: `${mock}/_mock/` });
    const text = frame.contentDocument?.body.textContent;
    return text?.startsWith('{"error"') ? null : text;
  });
  await attempt("frame", async () => {
    const frame = await element("iframe", { src: `${mock}/_mock/requests` });
    const text = frame.contentDocument?.body.textContent;
    return text?.startsWith('{"error"') ? null : text;
  });
  const frame = await element("iframe", { name: "target", src: "about:blank" });
  for (const [path, body] of Object.entries(writes)) {
    for (const enctype of ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]) {
      const form = document.createElement("form");
      Object.assign(form, { action: `${mock}/_mock/${path}`, method: "post", enctype, target: "target" });
      const half = body.indexOf(":") + 1;
      form.append(Object.assign(document.createElement("input"), { name: body.slice(0, half), value: body.slice(half) }));
      document.body.append(form);
      const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
      form.submit();
      await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 500))]);
    }
  }
  const script = `fetch("${mock}/_mock/reset", { method: "POST", mode: "no-cors" })`;
  await attempt("opaque origin", async () => {
    await element("iframe", { sandbox: "allow-scripts", srcdoc: `<script>${script}</script>` });
  });

  const page = "<script>parent.postMessage('ran', '*')</script>";
  for (const type of ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "image/png", "application/pdf"]) {
    const ran = new Promise((resolve) => addEventListener("message", resolve, { once: true }));
    await attempt(`upload of ${type}`, async () => {
      const headers = { "x-api-key": key, ...json };
      const body = JSON.stringify({ data_urls: [`data:${type};base64,${btoa(page)}`] });
      const answer = await fetch(`${mock}/upload-asset`, { method: "POST", headers, body });
      const url = (await answer.json()).urls?.[0];
      if (url) {
        document.body.append(Object.assign(document.createElement("iframe"), { src: url }));
        const late = new Promise((resolve) => setTimeout(resolve, 300, null));
        return (await Promise.race([ran, late])) && "ran";
      }
      return null;
    });
  }
  return read;
}

/** A page of any origin, whose address need not exist. */
async function pageAt(browser, url) {
  const page = await browser.newPage();
  const session = await page.createCDPSession();
  session.on("Fetch.requestPaused", ({ requestId }) => {
    const responseHeaders = [{ name: "content-type", value: "text/html" }];
    const body = Buffer.from("<!doctype html><body hidden>").toString("base64");
    session.send("Fetch.fulfillRequest", { requestId, responseCode: 200, responseHeaders, body });
  });
  await session.send("Fetch.enable", { patterns: [{ urlPattern: url }] });
  await page.goto(url);
  await session.send("Fetch.disable");
  return page;
}

// Not the package's own arguments: they switch off what keeps origins apart. Chromium's guard of local networks is off,
// since other browsers have none.
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights",
  "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.evil.com 127.0.0.1",
];
const browser = await puppeteer.launch({ args, executablePath: await chromium.executablePath(), headless: "shell" });
const pages = {
  "another site": `http://evil.test:28086/page.html`,
  "another port": `http://127.0.0.1:28086/page.html`,
  "another scheme": "https://127.0.0.1/page.html",
  "a rebound name": `http://evil.test:${port}/page.html`,
  "a name that starts like ours": `http://localhost.evil.com:${port}/page.html`,
};
try {
  const results = {};
  await Promise.all(
    Object.entries(pages).map(async ([name, url]) => {
      const page = await pageAt(browser, url);
      const mock = url.includes(`:${port}/`) ? new URL(url).origin : MOCK_URL;
      results[name] = await page.evaluate(attack, mock, KEY);
    }),
  );
  const own = await pageAt(browser, `${MOCK_URL}/page.html`);
  results["the mock's own page"] = await own.evaluate(async (key) => {
    const headers = { "x-api-key": key, "content-type": "application/json" };
    const set = await fetch("/_mock/credits", { method: "PUT", body: '{"credits": 3}', headers });
    return { set: set.status, credits: await (await fetch("/_mock/credits", { headers })).json() };
  }, KEY);
  console.log(JSON.stringify(results));
} finally {
  await browser.close();
}
