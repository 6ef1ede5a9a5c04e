/**
 * A test's own Redis servers.
 *
 * @module
 */

import { onFreePort } from "./ports.ts";
import { type Broker, findServer, Program, toBroker } from "./program.ts";

/** Options of {@linkcode startRedis}. */
export interface RedisOptions {
  /** The port of 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** More arguments of `redis-server`: `["--requirepass", "secret"]`. */
  readonly args?: readonly string[];
  /** The path of `redis-server`; by default that in `REDIS_SERVER`, or the one on the PATH. */
  readonly program?: string;
}

/** A broker for tests has no persistence, and cannot be reached from other machines. */
const ARGS = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"];

/**
 * Starts a Redis server without persistence.
 *
 * @param options The options.
 * @returns The server, when it serves.
 */
export async function startRedis(options: RedisOptions = {}): Promise<Broker> {
  const program = options.program ?? findServer("redis-server", "REDIS_SERVER");
  if (!program) throw new Error("Cannot find redis-server: set REDIS_SERVER to its path");
  const start = async (port: number) => {
    const args = [...ARGS, "--port", String(port), ...options.args ?? []];
    const ready = /Ready to accept connections/;
    return toBroker(await Program.start({ program, args, ready }), "redis", port);
  };
  return await (options.port === undefined ? onFreePort(start) : start(options.port));
}
