#!/usr/bin/env node
/** Runs `segforge mock` with the arguments of the command line. */

import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { start } from "./command.js";

const WATCH_MS = 250;

async function main(): Promise<void> {
  let child: ChildProcess | undefined;
  const stop = () => void child?.kill("SIGTERM");
  // A terminal sends Ctrl-C to both processes. This one waits, so that the exit code is the mock's.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, stop);
  }
  const parent = process.ppid;
  child = await start(["mock", ...process.argv.slice(2)], "inherit");
  if (process.env["npm_command"] === "exec") {
    // npx passes a signal on to a shell, which ends without telling this process.
    setInterval(() => process.ppid === parent || stop(), WATCH_MS).unref();
  }
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
  });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 2;
});
