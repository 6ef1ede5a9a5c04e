/**
 * Redis servers of a test's own.
 *
 * @module
 */

import { onFreePort } from "./ports.ts";
import { type Broker, findServer, Program, toBroker } from "./program.ts";

/** Options of {@linkcode startRedis}. */
export interface RedisOptions {
  /** The port of 127.0.0.1 to listen to; a free one when absent. */
  readonly port?: number;
  /** More arguments, as `redis-server` takes them: `["--requirepass", "secret"]`. */
  readonly args?: readonly string[];
  /** The path of `redis-server`; what `REDIS_SERVER` names or the PATH has when absent. */
  readonly program?: string;
}

/** What a broker for tests never does: keep anything, or be reached from elsewhere. */
const ARGS = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"];

/**
 * Starts a Redis server without persistence.
 *
 * @param options Where, and how.
 * @returns The server, once it serves.
 */
export async function startRedis(options: RedisOptions = {}): Promise<Broker> {
  const program = options.program ?? findServer("redis-server", "REDIS_SERVER");
  if (!program) throw new Error("Cannot find redis-server: name it by REDIS_SERVER");
  const start = async (port: number) => {
    const args = [...ARGS, "--port", String(port), ...options.args ?? []];
    const ready = /Ready to accept connections/;
    return toBroker(await Program.start({ program, args, ready }), "redis", port);
  };
  return await (options.port === undefined ? onFreePort(start) : start(options.port));
}
