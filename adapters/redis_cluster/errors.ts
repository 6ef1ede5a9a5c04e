/**
 * Errors of Redis Cluster.
 *
 * @module
 */

import { type Failure, showable } from "../kit/failure.ts";
import { redisFailure } from "../kit/redis/errors.ts";

/** The new address of a slot. */
export interface Moved {
  readonly slot: number;
  /** `host:port`; absent if the node does not name the host. */
  readonly address: string | undefined;
}

/** Reads the reply that a slot has moved. */
export function readMoved(error: unknown): Moved | undefined {
  const reply = /^MOVED (\d+) (\S*):(\d+)$/.exec(error instanceof Error ? error.message : "");
  if (!reply) return undefined;
  const [, slot, host, port] = reply;
  // The host is empty if the nodes do not tell it, and `?` if they tell names and this one has none.
  return { slot: Number(slot), address: host === "" || host === "?" ? undefined : `${host}:${port}` };
}

/** Whether a node has refused a command for now, and has certainly not done it. */
export function isForNow(error: unknown): boolean {
  const message = error instanceof Error ? error.message : "";
  return /^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|LOADING|MASTERDOWN|READONLY|BUSY)\b/.test(message);
}

/** Refusals that concern clusters, with advice for each. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/cluster support disabled/i, "it is not part of a cluster; use createRedisAdapter for a single server"],
  [
    /unknown command.*(spublish|ssubscribe)/i,
    'it has no sharded pub/sub, which came with Redis 7; pass mode: "classic"',
  ],
];

/** Explains why a node does not serve this adapter; see `redisFailure`. */
export function nodeFailure(cause: unknown, address: string, secrets: readonly string[]): Failure {
  const shown = showable(cause, secrets);
  const hint = HINTS.find(([pattern]) => pattern.test(shown.message))?.[1];
  if (hint === undefined) return redisFailure(cause, `redis-cluster at ${address}`, secrets);
  const message = `Cannot use redis-cluster at ${address}: ${hint} (${shown.message})`;
  return { error: new Error(message, { cause: shown }), kind: "refused" };
}
