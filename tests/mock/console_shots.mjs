/** Takes the images of the console for the docs. */

import { join } from "node:path";
import { launch, open, press, sendFrom, shows, until, view } from "./console_browser.mjs";

const { MOCK_URL, SHOTS } = process.env;
const CONSOLE = `${MOCK_URL}/_mock/`;

const browser = await launch();
try {
  const shoot = (page, name) => page.screenshot({ path: join(SHOTS, `console-${name}.png`) });

  const model = await open(browser, CONSOLE, { width: 1000, height: 700 });
  await sendFrom(model, "flux-img2img", "200");
  await until(model, () => document.querySelector(".output img")?.naturalWidth > 0);
  await model.$eval(".result", (result) => result.scrollIntoView({ block: "end" }));
  await shoot(model, "model");

  await view(model, "jobs");
  await press(model, "Hold new jobs");
  await shows(model, "New jobs stay queued");
  await model.evaluate(async () => {
    const headers = { "content-type": "application/json", "x-api-key": "SG_0123456789abcdef" };
    const send = (prompt, more) =>
      fetch("/v2/style-transfer", {
        method: "POST",
        headers: { ...headers, ...more },
        body: JSON.stringify({ prompt, style_image: "https://example.com/style.png" }),
      });
    await send("A fox", { "x-mock-job": "seconds=0.5" });
    await send("A bear", { "x-mock-job": "instant", "x-mock-scenario": "job-blocked" });
    await send("An owl", {});
    await fetch("/v1/style-transfer", { method: "POST", headers, body: "{}" });
  });
  await until(model, () => document.querySelectorAll(".job").length === 3 && !document.body.innerText.includes("PROCESSING"));

  const jobs = await open(browser, `${CONSOLE}#jobs`, { width: 390, height: 700, theme: "dark" });
  await until(jobs, () => document.querySelectorAll(".job").length === 3);
  await shoot(jobs, "jobs");

  const requests = await open(browser, `${CONSOLE}#requests`, { width: 1000, height: 700, theme: "dark" });
  await requests.waitForSelector(".entry");
  await requests.$eval(".entry", (entry) => entry.click());
  await shows(requests, "Copy as curl");
  await press(requests, "Copy as Python");
  await shows(requests, "import");
  await shoot(requests, "requests");
} finally {
  await browser.close();
}
