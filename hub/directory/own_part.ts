/**
 * This node's part of a query or an order: who asks the cluster waits for it no longer than for the other nodes.
 *
 * @module
 */

import { type Clock, promiseOf } from "../../contract/mod.ts";

/** How long to wait. */
export interface Patience {
  /** In milliseconds. */
  readonly timeoutMs: number;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
}

/** It was not done in time. */
export const LATE: unique symbol = Symbol("late");

/**
 * Waits for what this node does itself.
 *
 * @param clock Where time comes from.
 * @param work What it does; a value that is no promise is done.
 * @param patience How long to wait. The work goes on when nobody waits any more.
 * @returns What came of it, or {@linkcode LATE}; rejects with its error, or with the reason of the signal.
 */
export async function ownPart(
  clock: Clock,
  work: unknown,
  { timeoutMs, signal }: Patience,
): Promise<unknown> {
  const later = promiseOf(work);
  if (!later) return work;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const stop = clock.after(timeoutMs, () => resolve(LATE));
  const onAbort = () => reject(signal!.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  later.then(resolve, reject);
  try {
    return await promise;
  } finally {
    stop();
    signal?.removeEventListener("abort", onAbort);
  }
}
