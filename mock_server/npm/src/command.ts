/** Finds a program that runs `segforge`, and starts it. */

import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { version } from "./version.js";

const VARIABLE = "SEGFORGE";

/** The commands that run `segforge`, in the order in which they are tried. */
export function commands(chosen?: readonly string[]): readonly (readonly string[])[] {
  const named = process.env[VARIABLE];
  if (chosen !== undefined) {
    return [chosen];
  }
  if (named) {
    return [[named]];
  }
  return [
    ["segforge"],
    ["uvx", "--from", `segforge==${version}`, "segforge"],
    ["pipx", "run", "--spec", `segforge==${version}`, "segforge"],
  ];
}

/** Starts `segforge ...args` with the first command that exists. Throws an Error if none does. */
export async function start(args: readonly string[], stdio: StdioOptions, chosen?: readonly string[]): Promise<ChildProcess> {
  const known = commands(chosen);
  for (const [program = "", ...first] of known) {
    const child = spawn(program, [...first, ...args], { stdio, windowsHide: true });
    try {
      await once(child, "spawn");
      return child;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        throw new Error(`segforge-mock can't start ${program}: ${(error as Error).message}. Check its permissions.`);
      }
    }
  }
  const tried = known.map(([program]) => program).join(", ");
  throw new Error(
    `segforge-mock found none of these programs: ${tried}. Run \`pip install segforge==${version}\`, install uv or pipx, ` +
      `or set the environment variable ${VARIABLE} to the path of segforge.`,
  );
}
