/**
 * Time as a dependency, so that whatever waits can be tested without waiting.
 *
 * @module
 */

/** A source of time and timers. Times are in milliseconds. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /**
   * Calls back once after a delay.
   *
   * @param callback What to call.
   * @param ms The delay in milliseconds; `Infinity` and whatever is beyond the platform's timers waits very long.
   * @returns A function that cancels it; calling it late or twice does nothing.
   */
  after(ms: number, callback: () => void): () => void;
}

/** The longest delay of the platforms' timers, some 25 days: beyond it they fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of the platform: `performance.now()` and `setTimeout`. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
