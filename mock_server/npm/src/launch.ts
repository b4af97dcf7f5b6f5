/** Starts `segforge mock` in a process that ends with this one. */

import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { start } from "./command.js";
import { setVariables } from "./environment.js";
import { Mock } from "./mock.js";

const KEY = "SG_0123456789abcdef";
const START_MS = 120_000;
const STOP_MS = 5_000;
const SHOWN = 4_096;

/** The options of `startMock`. Those without a default here have that of `segforge mock` or of `segforge.toml`. */
export interface MockOptions {
  /** The API key of the requests to control; default: `SG_0123456789abcdef`. */
  key?: string;
  /** Sets `environment` of the mock in `process.env` until `stop`; default: true. */
  setEnvironment?: boolean;
  /** The command that runs `segforge`, such as `[".venv/bin/segforge"]`; default: the first one that is installed. */
  command?: readonly string[];
  /** The time until the mock must listen, in milliseconds; default: 120,000, since uvx and pipx may have to download. */
  startTimeout?: number;
  /** Serves slugs without a spec, too, with any payload. */
  anyModel?: boolean;
  /** Scenarios to play at random, such as `run-failed=0.05`. */
  chaos?: string;
  /** The opening balance of each key. */
  credits?: number;
  /** `instant`, `seconds=S`, `polls=N` or `held`. */
  jobPolicy?: string;
  /** `documented` accepts only keys in the documented format. */
  keyFormat?: "any" | "documented";
  /** The memory limit in MiB. */
  maxMemory?: number;
  /** The detail of outputs. */
  media?: "full" | "plain" | "tiny";
  port?: number;
  profile?: "documented" | "observed";
  /** Requests per minute and key: a number or a plan, such as `free`. */
  rateLimit?: number | string;
  /** A folder of recordings to answer from. */
  replay?: string;
  /** A YAML file of stubs. */
  script?: string;
  /** The seed of chaos and of random latencies. */
  seed?: number;
  /** A folder of specs to serve instead. */
  specs?: string;
  /** `sqlite:///PATH` or `redis://HOST:PORT/DATABASE`. */
  store?: string;
  /** With `replay`: refuses requests that were not recorded. */
  strictReplay?: boolean;
  /** The duration of a run relative to the real gateway; 0 for none. */
  timeScale?: number;
}

/** Starts a mock on a free port. Rejects with an Error that shows what `segforge` printed if it doesn't start. */
export async function startMock(options: MockOptions = {}): Promise<Mock> {
  const { key = KEY, setEnvironment = true, command, startTimeout = START_MS, ...rest } = options;
  const child = await start(["mock", "--stop-on-eof", ...argumentsOf(rest)], ["pipe", "pipe", "pipe"], command);
  const url = await listening(child, startTimeout);
  let restore = (): void => undefined;
  let stopped: Promise<void> | undefined;
  const mock = new Mock(url, key, () => {
    restore();
    return (stopped ??= stop(child));
  });
  if (setEnvironment) {
    restore = setVariables(mock.environment);
  }
  return mock;
}

function argumentsOf(options: Readonly<Record<string, unknown>>): string[] {
  const given = Object.entries<unknown>({ port: 0, ...options }).filter(([, value]) => value !== undefined && value !== false);
  return given.map(([name, value]) => {
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? option : `${option}=${value}`;
  });
}

/** Waits for the line that states the address, and returns the address. Then the child keeps no process alive. */
function listening(child: ChildProcess, ms: number): Promise<string> {
  let printed = "";
  let errors = "";
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(timer);
      child.stdin?.destroy();
      child.kill("SIGKILL");
      reject(new Error(`segforge mock ${reason}.${errors ? ` It printed:\n${errors.trim()}` : ""}`));
    };
    const timer = setTimeout(() => fail(`didn't listen within ${ms / 1000} s; startTimeout allows more`), ms);
    child.on("close", (code, signal) => fail(`ended with ${signal ?? `exit code ${code}`} before it listened`));
    child.stdin?.on("error", () => undefined); // a child that ended reads nothing
    child.stderr?.on("data", (part: Buffer) => (errors = (errors + part.toString()).slice(-SHOWN)));
    child.stdout?.on("data", (part: Buffer) => {
      printed = (printed + part.toString()).slice(0, SHOWN);
      const url = /^segforge mock: (http:\/\/\S+)$/m.exec(printed.slice(0, printed.lastIndexOf("\n") + 1))?.[1];
      if (url !== undefined) {
        clearTimeout(timer);
        release(child);
        resolve(url);
      }
    });
  });
}

/** Lets this process end while the child runs. The child stops then, because its standard input ends. */
function release(child: ChildProcess): void {
  child.removeAllListeners("close");
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    (stream as Socket | null)?.unref();
  }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      return resolve();
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.ref();
    child.on("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.stdin?.end();
    child.kill("SIGTERM");
  });
}
