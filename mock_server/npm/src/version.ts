import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The version of this package, which is also that of the segforge it starts. */
export const version: string = JSON.parse(readFileSync(join(__dirname, "..", "package.json"), "utf8")).version;
