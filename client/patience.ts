/**
 * Waits before a request can be sent. This wait counts against the request's timeout.
 *
 * @module
 */

import { type AskOptions, type Clock, waitAtMost } from "../contract/mod.ts";

/** The complete options of a request, and whether it may be sent before waiting ones. */
export interface Patience extends AskOptions {
  readonly inAllMs: number;
  readonly first?: boolean;
}

/** Starts a wait. It calls one of the two functions later, or neither. Returns a function that cancels the wait. */
export type Start<T> = (
  goOn: (next: (left: Patience) => Promise<T>) => void,
  fail: (error: unknown) => void,
) => () => void;

/**
 * Waits, and then goes on with the rest of the timeout.
 *
 * @param clock The source of timers.
 * @param patience How long to wait, and the signal that ends the wait early.
 * @param late Makes the error for a wait that took too long.
 * @param start Starts the wait. If it throws, the promise rejects with that error.
 */
export function patiently<T>(
  clock: Clock,
  patience: Patience,
  late: () => Error,
  start: Start<T>,
): Promise<T> {
  const end = clock.now() + patience.timeoutMs;
  return new Promise<T>((resolve, reject) => {
    let over = false;
    const settle = (how: () => void) => {
      if (over) return;
      over = true;
      wait.free();
      how();
    };
    const takeBack = start(
      (next) => settle(() => resolve(next({ ...patience, timeoutMs: Math.max(end - clock.now(), 0) }))),
      (error) => settle(() => reject(error)),
    );
    const wait = waitAtMost(clock, patience, late, (error) =>
      settle(() => {
        takeBack();
        reject(error);
      }));
  });
}
