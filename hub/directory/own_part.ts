/**
 * This node's own part of a query or command. It has the same timeout as the other nodes.
 *
 * @module
 */

import { type Clock, promiseOf } from "../../contract/mod.ts";

/** How long to wait. */
export interface Patience {
  /** The timeout, in milliseconds. */
  readonly timeoutMs: number;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
}

/** The result when the time was up first. */
export const LATE: unique symbol = Symbol("late");

/**
 * Waits for this node's own work.
 *
 * @param clock The clock.
 * @param work The work's result, or a promise of it.
 * @param patience How long to wait. The work goes on after the timeout.
 * @returns The result, or {@linkcode LATE}; rejects with the work's error, or with the reason of the signal.
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
