#!/usr/bin/env node
/** Runs `segforge mock` with the arguments of the command line. */

import { constants } from "node:os";
import { start } from "./command.js";

async function main(): Promise<void> {
  const child = await start(["mock", ...process.argv.slice(2)], "inherit");
  // A terminal sends Ctrl-C to both processes. This one waits, so that the exit code is the mock's.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
  });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 2;
});
