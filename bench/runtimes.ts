/**
 * Finds the runtimes, and pins processes to processors.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";

/** A runtime of servers. */
export type Runtime = "deno" | "bun" | "node";

/** The last line that a command prints; `undefined` if it fails or does not exist. */
function printed(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) =>
    execFile(
      command,
      args,
      (error, output) => resolve(error ? undefined : output.trim().split("\n").at(-1)),
    )
  );
}

/** The paths of the installed runtimes. If Bun is not installed, npx fetches it. */
export async function findRuntimes(): Promise<Readonly<Partial<Record<Runtime, string>>>> {
  const tell = ["-e", "console.log(process.execPath)"];
  return {
    deno: "Deno" in globalThis ? process.execPath : await printed("deno", ["eval", tell[1]!]),
    bun: "Bun" in globalThis
      ? process.execPath
      : await printed("bun", tell) ?? await printed("npx", ["-y", "bun@1.4.5", ...tell]),
    node: await printed("node", tell),
  };
}

/** The arguments that run a file. */
const ARGS: Readonly<Record<Runtime, readonly string[]>> = {
  deno: ["run", "--allow-all", "--no-check", "--v8-flags=--expose-gc"],
  bun: ["run"],
  node: ["--expose-gc"],
};

/** Whether processes can be pinned: this needs two processors, and `taskset`. */
export const canPin = async (): Promise<boolean> =>
  availableParallelism() > 1 && await printed("taskset", ["--version"]) !== undefined;

/**
 * A command that runs a file, pinned to one processor if there are two and `taskset` is installed.
 *
 * @param runtime The runtime.
 * @param path The runtime's path.
 * @param cpu The number of the processor.
 * @param file The file, and its arguments.
 */
export async function pinned(
  runtime: Runtime,
  path: string,
  cpu: 0 | 1,
  ...file: readonly string[]
): Promise<{ readonly command: string; readonly args: string[] }> {
  const args = [...ARGS[runtime], ...file];
  return await canPin()
    ? { command: "taskset", args: ["-c", String(cpu), path, ...args] }
    : { command: path, args };
}
