/** A page that runs the behaviour table one case after the other; `runTests` gives the names of those that failed. */

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
