/** Opens pages of the site on a desktop and on a phone, in light and dark, and searches. */

import assert from "node:assert";
import { launch, open, problems, until } from "../mock/console_browser.mjs";

const [base] = process.argv.slice(2);
const SIZES = [
  { width: 1280, height: 900, theme: "light" },
  { width: 390, height: 800, theme: "dark" },
];
const browser = await launch();
try {
  for (const path of ["index.html", "reference/models/flux-img2img.html", "reference/rules.html"]) {
    for (const size of SIZES) {
      const page = await open(browser, `${base}/${path}`, size);
      const scheme = size.theme === "dark" ? "slate" : "default";
      await until(page, (expected) => document.body.getAttribute("data-md-color-scheme") === expected, scheme);
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(excess, 0, `${path} is wider than ${size.width} pixels`);
      await page.close();
    }
  }
  const page = await open(browser, `${base}/index.html`);
  await page.type(".md-search__input", "flux-img2img");
  await until(page, () => document.querySelector(".md-search-result__link")?.href.endsWith("/models/flux-img2img.html"));
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
}
