/**
 * Notices that the process was asleep.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";

/** How often to check. A sleep is noticed at most this long after waking. */
const TICK_MS = 2_000;

/** A timer that is later than this was not delayed by load alone. */
export const LATE_MS = 2_000;

/**
 * Calls back whenever a timer fired much too late: the machine slept, or the process was stopped.
 *
 * @param clock The clock for the timers. While a machine sleeps, timers may stand still, so lateness is measured with
 * the time of day (`wall`).
 * @param wake The function to call.
 * @returns A function that stops it.
 */
export function watchSleep(clock: Clock, wake: () => void): () => void {
  const now = () => clock.wall?.() ?? clock.now();
  let stop = () => {};
  const tick = () => {
    const due = now() + TICK_MS;
    stop = clock.after(TICK_MS, () => {
      const late = now() - due > LATE_MS;
      tick();
      if (late) wake();
    }, { background: true });
  };
  tick();
  return () => stop();
}
