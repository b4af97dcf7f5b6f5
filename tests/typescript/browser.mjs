/** Runs the bundle of page.mjs in Chromium, in a page of the mock's origin, and prints the result of `runTests`. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.TOOLS);
const { default: chromium } = await import(require.resolve("@sparticuz/chromium"));
const { default: puppeteer } = await import(require.resolve("puppeteer-core"));

const { CASES, MOCK_URL, RUNTIME } = process.env;
const url = `${MOCK_URL}/page.html`;
const executablePath = await chromium.executablePath();
const browser = await puppeteer.launch({ args: chromium.args, executablePath, headless: "shell" });
try {
  const page = await browser.newPage();
  const session = await page.createCDPSession();
  session.on("Fetch.requestPaused", ({ requestId }) => {
    const responseHeaders = [{ name: "content-type", value: "text/html" }];
    session.send("Fetch.fulfillRequest", { requestId, responseCode: 200, responseHeaders, body: "" });
  });
  await session.send("Fetch.enable", { patterns: [{ urlPattern: url }] });
  await page.goto(url);
  await session.send("Fetch.disable");
  await page.evaluate((settings) => Object.assign(globalThis, settings), { SETTINGS: { CASES, MOCK_URL, RUNTIME } });
  await page.addScriptTag({ content: readFileSync("page.bundle.js", "utf-8") });
  console.log(JSON.stringify(await page.evaluate(() => globalThis.runTests())));
} finally {
  await browser.close();
}
