/**
 * Waiting before a question can leave, with the patience of the whole question.
 *
 * @module
 */

import { type AskOptions, type Clock, waitAtMost } from "../contract/mod.ts";

/** A question's options, complete, and whether it goes before those that wait. */
export interface Patience extends AskOptions {
  readonly inAllMs: number;
  readonly first?: boolean;
}

/** Starts what is waited for; one of the two is called later, or never. Returns a function that takes it back. */
export type Start<T> = (
  goOn: (next: (left: Patience) => Promise<T>) => void,
  fail: (error: unknown) => void,
) => () => void;

/**
 * Waits for something, and goes on with the patience that is left then.
 *
 * @param clock Where timeouts come from.
 * @param patience How long to wait, and what gives up earlier.
 * @param late Makes the error of a wait that took too long.
 * @param start Starts the wait; what it throws rejects.
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
