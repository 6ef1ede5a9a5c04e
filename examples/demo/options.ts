/**
 * The demo's command line.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { ADAPTERS, DEFAULT_ADAPTER } from "./adapters.ts";

export const HELP = `Usage: deno task demo [options]

A cluster of hubs on this machine, and a page to use it.

  --adapter NAME   how the nodes reach each other: ${Object.keys(ADAPTERS).join(", ")}
                   (default: ${DEFAULT_ADAPTER}); those with a broker use the one that REDIS_URL,
                   REDIS_CLUSTER_URL, NATS_URL, POSTGRES_URL or RABBITMQ_URL names, or start one with redis-server,
                   nats-server, postgres or rabbitmq-server; libp2p and zeromq (on Deno) need none; for node-cluster,
                   which is for processes: deno task cluster --adapter node-cluster
  --nodes N        how many nodes, 1 to 9 (default: 3)
  --port N         the port of the page; the nodes take those after it; 0 for free ones (default: 8000)
  --help           show this text`;

/** The options of the demo. */
export interface DemoOptions {
  readonly adapter: string;
  readonly nodes: number;
  /** The page's port; 0 for any free one. */
  readonly port: number;
}

/** An error in the command line; the message says which. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads the command line.
 *
 * @param args The arguments.
 * @returns The options; `"help"` for the help text.
 * @throws {UsageError} If there is an error in it.
 */
export function readOptions(args: readonly string[]): DemoOptions | "help" {
  const values = parse(args);
  if (values.help) return "help";
  if (values.adapter === "node-cluster") {
    throw new UsageError(
      "Cannot use adapter node-cluster: it connects processes, and the demo's nodes are threads of one process. " +
        "See it with: deno task cluster --adapter node-cluster",
    );
  }
  if (!Object.hasOwn(ADAPTERS, values.adapter)) {
    throw new UsageError(
      `Cannot use adapter "${values.adapter}": choose one of ${Object.keys(ADAPTERS).join(", ")}`,
    );
  }
  const nodes = readCount("--nodes", values.nodes, 1, 9);
  return { adapter: values.adapter, nodes, port: readCount("--port", values.port, 0, 65_535 - nodes) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        adapter: { type: "string", default: DEFAULT_ADAPTER },
        nodes: { type: "string", default: "3" },
        port: { type: "string", default: "8000" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readCount(flag: string, text: string, min: number, max: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`Cannot use ${flag} ${text || '""'}: give a whole number from ${min} to ${max}`);
}
