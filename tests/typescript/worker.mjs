/** A worker that runs the cases one after the other, and prints the failed cases and the number of passed ones. */

import { found } from "node:test";
import "./conformance.test.mjs";

export default {
  async test() {
    const failed = [];
    for (const [name, run] of found) {
      await run().catch((error) => failed.push(`${name}: ${error?.stack ?? error}`));
    }
    console.log([...failed, `passed ${found.size - failed.length}`].join("\n"));
    if (failed.length > 0) {
      throw new Error(`${failed.length} failed`);
    }
  },
};
