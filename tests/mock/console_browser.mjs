/** Chromium, and what a person does with the console of a mock. */

import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(process.env.TOOLS);
const { default: chromium } = await import(require.resolve("@sparticuz/chromium"));
const { default: puppeteer } = await import(require.resolve("puppeteer-core"));


/** Errors and warnings of all pages, and their requests to other hosts. */
export const problems = [];

/** Starts Chromium. */
export async function launch() {
  // The fonts.conf of the package names folders of AWS Lambda. Without a font, form controls crash the browser.
  const executablePath = await chromium.executablePath();
  const fonts = join(tmpdir(), "own-fonts");
  mkdirSync(fonts, { recursive: true });
  const folders = `<dir>${join(tmpdir(), "fonts")}</dir><cachedir>${fonts}</cachedir>`;
  writeFileSync(join(fonts, "fonts.conf"), `<?xml version="1.0"?><fontconfig>${folders}</fontconfig>`);
  process.env.FONTCONFIG_PATH = fonts;
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  return puppeteer.launch({ args, executablePath, headless: "shell" });
}

/** Opens a page, and notes its problems. */
export async function open(browser, address, { width = 1200, height = 800, theme = "light", key = "" } = {}) {
  const page = await browser.newPage();
  page.on("console", (message) => {
    const expected = / the server responded with a status of (4|5)\d\d /.test(message.text());
    if (!expected && ["error", "warn"].includes(message.type())) {
      problems.push(message.text());
    }
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("requestfailed", (request) => {
    if (!request.url().endsWith("/events")) {
      problems.push(`${request.url()} ${request.failure()?.errorText}`);
    }
  });
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== new URL(address).origin) {
      problems.push(`request to another host: ${request.url()}`);
    }
  });
  page.setDefaultTimeout(30_000);
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  if (key) {
    const session = JSON.stringify({ key });
    await page.evaluateOnNewDocument((stored) => sessionStorage.setItem("segforge-console", stored), session);
  }
  await page.goto(address);
  return page;
}

export const text = (page, selector) => page.$eval(selector, (element) => element.textContent.trim());
export const until = (page, check, ...values) => page.waitForFunction(check, { polling: 50 }, ...values);
export const shows = (page, words) => until(page, (wanted) => document.body.innerText.includes(wanted), words);
export const states = (page, words) => until(page, (wanted) => [...document.querySelectorAll(".now")].some((one) => one.textContent === wanted), words);
export const press = (page, name) => page.locator(`::-p-aria([name="${name}"][role="button"])`).click();

/** Goes to a view, which only changes the part of the address after #. */
export async function view(page, name) {
  await page.evaluate((hash) => (location.hash = hash), name);
  await until(page, () => document.querySelector("main h2") !== null);
}

/** Sends the form of a model and waits for the answer. */
export async function sendFrom(page, slug, wanted) {
  await view(page, `models/${slug}`);
  await page.waitForSelector(`form[aria-label="Request to ${slug}"]`);
  await page.$eval("form.form button[type=submit]", (button) => button.click());
  await until(page, (status) => document.querySelector(".result .badge")?.textContent === status, wanted);
}
