/** Uses the console of a mock in Chromium as a person does, and prints what happened as JSON. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch, open, press, problems, sendFrom, shows, states, text, until, view } from "./console_browser.mjs";

const AXE = readFileSync(createRequire(process.env.TOOLS).resolve("axe-core/axe.min.js"), "utf8");
const { MOCK_URL, TOKEN_URL, AUDIT_KEY } = process.env;
const CONSOLE = `${MOCK_URL}/_mock/`;

/** Audits the page. Returns the serious and critical findings. */
async function audit(page) {
  return page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  });
}

const parts = {
  async image(browser) {
    const page = await open(browser, CONSOLE);
    await sendFrom(page, "style-transfer", "200");
    await until(page, () => document.querySelector(".output img")?.naturalWidth > 0);
    const image = await page.$eval(".output img", ({ src, naturalWidth }) => ({ blob: src.startsWith("blob:"), width: naturalWidth }));
    await page.select("form.form select", "v2");
    await page.$eval("form.form button[type=submit]", (button) => button.click());
    await until(page, () => document.querySelector(".result .badge")?.textContent === "COMPLETED");
    await until(page, () => document.querySelector(".output img")?.naturalWidth > 0);
    const job = await page.$eval(".output img", ({ src }) => src);
    await sendFrom(page, "flux-img2img", "200");
    await page.select('select[name="base64"]', "true");
    await page.$eval("form.form button[type=submit]", (button) => button.click());
    await until(page, () => document.querySelector('[aria-label="Body of the answer"]')?.textContent.includes("infer_time"));
    await until(page, () => document.querySelector(".output img")?.naturalWidth > 0);
    return { image, base64: true, job: new URL(job).pathname.split("/")[1] };
  },

  async text(browser) {
    const page = await open(browser, CONSOLE);
    await sendFrom(page, "claude-3.5-sonnet", "200");
    const message = await text(page, ".result .message");
    await sendFrom(page, "dia", "200");
    await page.waitForSelector(".output audio");
    await sendFrom(page, "recraft-v3-svg", "200");
    await until(page, () => document.querySelector(".output img")?.naturalWidth > 0);
    const vector = await text(page, ".output .hint");
    await sendFrom(page, "ai-face-swap", "200");
    await until(page, () => document.querySelector(".output video")?.readyState >= 1);
    return { message: message.length > 0, audio: true, vector, video: true };
  },

  async jobs(browser) {
    const page = await open(browser, `${CONSOLE}#jobs`);
    await press(page, "Hold new jobs");
    await press(page, "Stop holding new jobs").then(() => press(page, "Hold new jobs"));
    await shows(page, "New jobs stay queued");
    const send = async () => {
      const body = JSON.stringify({ style_image: "https://example.com/style.png" });
      const headers = { "content-type": "application/json", "x-api-key": "SG_0123456789abcdef" };
      await fetch("/v2/style-transfer", { method: "POST", headers, body });
    };
    await page.evaluate(send);
    await until(page, () => [...document.querySelectorAll(".job .badge")].some((one) => one.textContent === "QUEUED"));
    const bars = await page.$$eval(".job svg[role=img]", (found) => found.map((one) => one.getAttribute("aria-label")));
    await page.$$eval(".job button", (buttons) => buttons.find((one) => one.textContent === "Release").click());
    await until(page, () => document.querySelector(".job .badge").textContent === "COMPLETED");
    await page.evaluate(send);
    await until(page, () => document.querySelector(".job .badge").textContent === "QUEUED");
    await page.$$eval(".job button", (buttons) => buttons.find((one) => one.textContent === "Fail").click());
    await until(page, () => document.querySelector(".job .badge").textContent === "FAILED");
    await shows(page, "Content blocked by the safety check");
    await press(page, "Stop holding new jobs");
    return { bar: bars[0].includes("QUEUED"), state: await text(page, ".job .badge") };
  },

  async controls(browser) {
    const page = await open(browser, `${CONSOLE}#controls`);
    await shows(page, "rate-limited");
    await page.select("section.card select", "credits-insufficient");
    await press(page, "Play");
    await shows(page, "The next matching requests meet credits-insufficient.");
    await press(page, "+ 1 h");
    await states(page, "3600 s ahead of the real time");
    await press(page, "Empty");
    await states(page, "0 credits");
    await press(page, "free");
    await states(page, "60 requests a minute");
    await sendFrom(page, "style-transfer", "406");
    const scenario = await text(page, ".result .message");
    await view(page, "controls");
    await press(page, "Reset");
    await states(page, "0 s ahead of the real time");
    await states(page, "No limit");
    return { scenario };
  },

  async requests(browser) {
    const page = await open(browser, `${CONSOLE}#requests`);
    const hostile = `<img src=x onerror="document.title='ran'"><script>document.title='ran'</script>`;
    await page.evaluate(async (prompt) => {
      const headers = { "content-type": "application/json", "x-api-key": "SG_00000000000000ff" };
      const body = JSON.stringify({ prompt, style_image: "https://example.com/style.png" });
      await fetch(`/v1/style-transfer?${encodeURIComponent(prompt)}`, { method: "POST", headers, body });
      await fetch(`/v1/${encodeURIComponent(prompt)}`, { method: "POST", headers, body });
    }, hostile);
    await page.focus(".tenant select");
    await until(page, () => [...document.querySelectorAll(".tenant option")].some((one) => one.textContent.includes("…00ff")));
    const name = await page.$$eval(".tenant option", (found) => found.find((one) => one.textContent.includes("…00ff")).value);
    await page.select(".tenant select", name);
    await until(page, () => document.querySelectorAll(".entry").length === 2);
    await page.$$eval(".entry", (found) => found.at(-1).click());
    await shows(page, "Copy as curl");
    for (const one of ["Copy as curl", "Copy as Python", "Copy as TypeScript"]) {
      await press(page, one);
      await until(page, () => document.querySelector('[aria-label="The request as code"]') !== null);
    }
    const whole = await page.evaluate(() => document.body.textContent);
    return {
      shown: whole.includes("onerror="),
      ran: (await page.title()).includes("ran"),
      elements: await page.$$eval("main img, main script", (found) => found.length),
      key: whole.includes("SG_00000000000000ff"),
    };
  },

  async keyboard(browser) {
    const page = await open(browser, CONSOLE);
    await page.waitForSelector(".list a");
    const reach = async (wanted, key = "Tab") => {
      for (let steps = 0; steps < 150; steps += 1) {
        await page.keyboard.press(key);
        if (await page.evaluate(wanted)) {
          return;
        }
      }
      throw new Error(`the keyboard reaches no ${wanted}`);
    };
    await reach(() => document.activeElement.type === "search");
    await page.keyboard.type("style-transfer");
    await reach(() => document.activeElement.hash === "#models/style-transfer");
    await page.keyboard.press("Enter");
    await page.waitForSelector("form.form");
    await reach(() => document.activeElement.matches("form.form button[type=submit]"));
    await page.keyboard.press("Enter");
    await until(page, () => document.querySelector(".result .badge")?.textContent === "200");
    return { sent: true };
  },

  async other(browser) {
    const page = await open(browser, `${TOKEN_URL}/_mock/#requests`);
    await page.waitForSelector("input[type=password]");
    await page.type("input[type=password]", "open sesame");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".entry");
    return { other: await text(page, ".say") };
  },

  async token(browser) {
    const page = await open(browser, `${TOKEN_URL}/_mock/`);
    await page.waitForSelector("input[type=password]");
    await page.type("input[type=password]", "open sesame");
    await page.keyboard.press("Enter");
    await until(page, () => document.querySelectorAll(".list a").length > 10);
    await shows(page, "live");
    return { stored: await page.evaluate(() => document.cookie === "" && localStorage.length === 0) };
  },

  async audits(browser) {
    const found = {};
    const page = await open(browser, `${CONSOLE}#controls`, { key: AUDIT_KEY });
    await page.evaluate(AXE);
    await press(page, "Play");
    await shows(page, "The next matching requests meet");
    await sendFrom(page, "style-transfer", "429");
    await sendFrom(page, "flux-img2img", "200");
    for (const name of ["models/flux-img2img", "requests", "jobs", "controls"]) {
      await view(page, name);
      if (name.startsWith("models/")) {
        await page.waitForSelector("form.form");
      }
      if (name === "requests") {
        await page.waitForSelector(".entry");
        await page.$eval(".entry", (entry) => entry.click());
        await shows(page, "Copy as curl");
      }
      for (const theme of ["light", "dark"]) {
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
        for (const [size, width] of [["desktop", 1200], ["phone", 375]]) {
          await page.setViewport({ width, height: 800 });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
          const findings = [...(await audit(page)), ...(wide ? ["wider than the window"] : [])];
          if (findings.length) {
            found[`${theme} ${size} ${name}`] = findings;
          }
        }
      }
    }
    return found;
  },
};

const browser = await launch();
const results = {};

/** Runs parts one after the other, each with its own pages, since each page holds a stream open. */
async function run(names) {
  for (const name of names) {
    const context = await browser.createBrowserContext();
    results[name] = await parts[name](context).catch(async (error) => {
      const last = (await context.pages()).at(-1);
      return { error: String(error), shows: await last.evaluate(() => document.body.innerText).catch(() => "") };
    });
    await context.close();
  }
}

try {
  const { audits, ...others } = parts;
  await Promise.all([run(["audits"]), run(Object.keys(others))]);
  console.log(JSON.stringify({ ...results, problems }));
} finally {
  await browser.close();
}
