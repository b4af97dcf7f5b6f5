/** Takes the image of a page: its first screen. */

import { launch } from "../mock/console_browser.mjs";

const { PAGE, SHOT } = process.env;
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1100, height: 760 });
  await page.goto(PAGE);
  await page.screenshot({ path: SHOT });
} finally {
  await browser.close();
}
