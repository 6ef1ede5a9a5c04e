/**
 * Runs the programs of this folder on either runtime.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { findProgram } from "./processes.ts";

/** A runtime of nodes and clients. */
export type RuntimeName = "deno" | "bun";

/** The runtime of this program. */
export const OWN_RUNTIME: RuntimeName = "Bun" in globalThis ? "bun" : "deno";

/** A program and its arguments. */
export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
}

const NODE = fileURLToPath(new URL("./node.ts", import.meta.url));
const CLIENT = fileURLToPath(new URL("./client.ts", import.meta.url));

/** The command of a node. */
export function nodeCommand(runtime: RuntimeName): CommandLine {
  return command(runtime, NODE);
}

/** The command of a client. */
export function clientCommand(runtime: RuntimeName, name: string, urls: readonly string[]): CommandLine {
  return command(runtime, CLIENT, name, ...urls);
}

function command(runtime: RuntimeName, ...args: readonly string[]): CommandLine {
  const flags = runtime === "deno" ? ["run", "--quiet", "--allow-all"] : [];
  return { program: find(runtime), args: [...flags, ...args] };
}

function find(runtime: RuntimeName): string {
  const program = runtime === OWN_RUNTIME ? process.execPath : findProgram(runtime);
  if (program) return program;
  throw new Error(
    `Cannot use --runtime ${runtime}: it is not on the PATH. Install it: npm install --global ${runtime}`,
  );
}
