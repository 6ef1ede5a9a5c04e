/**
 * Deadlines that allow for a busy process. If a timer is late, this process had no time to read an answer. So a late
 * timer does not mean that there is no answer.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";

/** A timer that is later than this says that the process was busy. */
const MAX_LAG_MS = 100;

/**
 * Waits for a promise, and rejects when it takes too long. An answer that came while this process was busy still
 * counts: the process reads it before two more timers have fired.
 *
 * @param clock The source of time.
 * @param ms How long it may take.
 * @param promise What to wait for.
 * @param what The start of the error when nothing comes: `"it does not answer"`.
 */
export async function inTime<T>(clock: Clock, ms: number, promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  let cancel = clock.after(ms, () => {
    cancel = clock.after(0, () => {
      cancel = clock.after(1, () => reject(new Error(`${what} within ${ms} ms`)));
    });
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}

/**
 * Waits for an answer as long as there are signs of life. The answer may be queued behind much other data.
 *
 * @param clock The source of time.
 * @param ms How long the silence may last.
 * @param answer What to wait for.
 * @param lastSign The time of the last sign of life, by the clock.
 * @returns The answer, or `"silent"`.
 */
export async function answerOrSilence<T>(
  clock: Clock,
  ms: number,
  answer: Promise<T>,
  lastSign: () => number,
): Promise<T | "silent"> {
  const { promise: silence, resolve } = Promise.withResolvers<"silent">();
  const since = clock.now();
  let cancel = () => {};
  const wait = (delayMs: number) => {
    const due = clock.now() + delayMs;
    cancel = clock.after(delayMs, () => {
      const now = clock.now();
      const silentMs = now - Math.max(lastSign(), since);
      if (now - due > MAX_LAG_MS) wait(ms);
      else if (silentMs < ms) wait(ms - silentMs);
      else resolve("silent");
    });
  };
  wait(ms);
  try {
    return await Promise.race([answer, silence]);
  } finally {
    cancel();
  }
}
