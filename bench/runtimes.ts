/**
 * Where the runtimes are, and how a process is pinned to a processor.
 *
 * @module
 */

import { availableParallelism } from "node:os";

/** What runs a server. */
export type Runtime = "deno" | "bun" | "node";

async function printed(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args: [...args], stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim().split("\n").at(-1) : undefined;
  } catch {
    return undefined;
  }
}

/** The paths of the runtimes that are here; Bun is fetched with npx where it is not installed. */
export async function findRuntimes(): Promise<Readonly<Partial<Record<Runtime, string>>>> {
  const tell = ["-e", "console.log(process.execPath)"];
  return {
    deno: Deno.execPath(),
    bun: await printed("bun", tell) ?? await printed("npx", ["-y", "bun@1.4.5", ...tell]),
    node: await printed("node", tell),
  };
}

/** The arguments that run a file. */
const ARGS: Readonly<Record<Runtime, readonly string[]>> = {
  deno: ["run", "--allow-all", "--no-check", "--v8-flags=--expose-gc"],
  bun: ["run"],
  node: ["--expose-gc"],
};

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
  const canPin = availableParallelism() > 1 && await printed("taskset", ["--version"]) !== undefined;
  return canPin ? { command: "taskset", args: ["-c", String(cpu), path, ...args] } : { command: path, args };
}
