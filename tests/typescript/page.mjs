/** A page that runs the cases one after the other. `runTests` returns the names of failed cases. */

import { found } from "node:test";
import "./conformance.test.mjs";

globalThis.runTests = async () => {
  const failed = {};
  for (const [name, run] of found) {
    await run().catch((error) => {
      failed[name] = String(error?.stack ?? error);
    });
  }
  return { failed, passed: found.size - Object.keys(failed).length };
};
