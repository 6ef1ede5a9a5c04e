/**
 * Noticing that the process was asleep.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";

/** How often to look. A sleep is noticed so long after waking at the latest. */
const TICK_MS = 2_000;

/** A timer that is later than this was held up by more than a busy moment. */
export const LATE_MS = 2_000;

/**
 * Calls back whenever a timer was late by far: the machine slept, or the process was stopped.
 *
 * @param clock Where timers come from. While a machine sleeps its timers may stand still, so lateness is told by the
 * clock on the wall.
 * @param wake What to call.
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
