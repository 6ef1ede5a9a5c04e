/**
 * Waits for a store, but never longer than a timeout.
 *
 * @module
 */

import { type Clock, HubError } from "../../contract/mod.ts";

/**
 * Starts an operation, and gives up on it after a timeout.
 *
 * @param clock The clock.
 * @param timeoutMs How long to wait, in milliseconds.
 * @param what The text of the error: `Cannot store a message of "x" in redis`.
 * @param start Starts the operation. Gets a signal that is aborted when the wait is over.
 * @param ended Abort it to end the wait; its reason is the error for the caller.
 * @returns The result; rejects with the operation's error as a {@linkcode HubError}, or with `TIMEOUT`.
 */
export function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  what: string,
  start: (signal: AbortSignal) => T | Promise<T>,
  ended?: AbortSignal,
): T | Promise<T> {
  const aborter = new AbortController();
  const fail = (cause: unknown) =>
    cause instanceof HubError ? cause : new HubError("UNAVAILABLE", what, { cause });
  let answer: T | Promise<T>;
  try {
    answer = start(aborter.signal);
  } catch (error) {
    throw fail(error);
  }
  if (!isPromise(answer)) return answer;
  return new Promise<T>((resolve, reject) => {
    const giveUp = (error: unknown) => {
      stop();
      reject(error);
      aborter.abort(error);
    };
    const end = () => giveUp(ended!.reason);
    const late = () => giveUp(new HubError("TIMEOUT", `${what} within ${timeoutMs} ms`));
    const cancel = clock.after(timeoutMs, late);
    const stop = () => {
      cancel();
      ended?.removeEventListener("abort", end);
    };
    if (ended?.aborted) return end();
    ended?.addEventListener("abort", end);
    Promise.resolve(answer).then(
      (value) => {
        stop();
        resolve(value);
      },
      (error) => {
        stop();
        reject(fail(error));
      },
    );
  });
}

/** Whether an answer is a promise. */
export function isPromise<T>(answer: T | Promise<T>): answer is Promise<T> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === "function";
}
