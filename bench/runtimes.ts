/**
 * Where the runtimes are, and how a process is pinned to a processor.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";

/** What runs a server. */
export type Runtime = "deno" | "bun" | "node";

/** What a command prints last, or `undefined` where it fails or is not there. */
function printed(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) =>
    execFile(
      command,
      args,
      (error, output) => resolve(error ? undefined : output.trim().split("\n").at(-1)),
    )
  );
}

/** The paths of the runtimes that are here; Bun is fetched with npx where it is not installed. */
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

/** Whether processes can be pinned: there are two processors, and `taskset` is at hand. */
export const canPin = async (): Promise<boolean> =>
  availableParallelism() > 1 && await printed("taskset", ["--version"]) !== undefined;

/**
 * A command that runs a file on one processor, where there are two and `taskset` is at hand.
 *
 * @param runtime What runs it.
 * @param path The runtime's path.
 * @param cpu Which processor.
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
