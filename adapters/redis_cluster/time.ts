/**
 * Deadlines.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";

/**
 * Waits for a promise, and rejects when it takes too long. An answer that came while this process was busy still counts:
 * it is read before the next timer but one.
 *
 * @param clock The source of time.
 * @param ms How long it may take.
 * @param promise What to wait for.
 * @param what What it is when it does not come: `"it does not answer"`.
 */
export async function inTime<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  what: string,
): Promise<T> {
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
