/**
 * The command line of the cluster.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { ADAPTERS } from "./adapters.ts";
import { OWN_RUNTIME, type RuntimeName } from "./runtimes.ts";

export const HELP = `Usage: deno task cluster [options]

A cluster of processes: a broker, hubs that use it, a reverse proxy in front of them, and clients.

  --adapter NAME   how the nodes reach each other: ${Object.keys(ADAPTERS).join(", ")} (default: redis)
                   the one that REDIS_URL, REDIS_CLUSTER_URL (addresses separated by commas), NATS_URL, POSTGRES_URL or
                   RABBITMQ_URL names, or else one that is started with redis-server, nats-server, postgres or
                   rabbitmq-server, and ended; node-cluster and libp2p need none;
                   with zeromq (on Deno) a proxy, or the one that ZEROMQ_PROXY names; for memory and broadcast-channel,
                   which reach no other process: deno task demo
  --nodes N        how many nodes, 1 to 9 (default: 3)
  --clients N      how many clients, 0 to 9 (default: 3)
  --port N         the port of the proxy; 0 for a free one (default: 8000)
  --runtime NAME   the runtime of the nodes and the clients: deno, bun (default: the runtime of this program)
  --help           show this text`;

/** The options. */
export interface ClusterOptions {
  readonly adapter: string;
  readonly nodes: number;
  readonly clients: number;
  readonly port: number;
  readonly runtime: RuntimeName;
}

/** An error in the command line; the message says which. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The adapters that reach no other process, and how far they reach. */
const TOO_NEAR: Readonly<Record<string, string>> = {
  "memory": "the hubs of one process",
  "broadcast-channel": "the workers of one process",
};

/**
 * Reads the command line.
 *
 * @param args The arguments.
 * @returns The options; `"help"` for the help text.
 * @throws {UsageError} If there is an error in it.
 */
export function readOptions(args: readonly string[]): ClusterOptions | "help" {
  const { adapter, runtime, help, ...counts } = parse(args);
  if (help) return "help";
  const choices = Object.keys(ADAPTERS).join(", ");
  if (Object.hasOwn(TOO_NEAR, adapter)) {
    throw new UsageError(
      `Cannot use --adapter ${adapter}: it reaches ${TOO_NEAR[adapter]}, and these nodes are processes. ` +
        `Choose one of ${choices}, or see it in the demo: deno task demo --adapter ${adapter}`,
    );
  }
  if (!Object.hasOwn(ADAPTERS, adapter)) {
    throw new UsageError(`Cannot use --adapter ${adapter || '""'}: choose one of ${choices}`);
  }
  if (runtime !== "deno" && runtime !== "bun") {
    throw new UsageError(`Cannot use --runtime ${runtime || '""'}: choose deno or bun`);
  }
  return {
    adapter,
    runtime,
    nodes: readCount("--nodes", counts.nodes, 1, 9),
    clients: readCount("--clients", counts.clients, 0, 9),
    port: readCount("--port", counts.port, 0, 65_535),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        adapter: { type: "string", default: "redis" },
        nodes: { type: "string", default: "3" },
        clients: { type: "string", default: "3" },
        port: { type: "string", default: "8000" },
        runtime: { type: "string", default: OWN_RUNTIME },
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
