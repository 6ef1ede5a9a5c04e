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
   * @param ms The delay in milliseconds.
   * @returns A function that cancels it; calling it late or twice does nothing.
   */
  after(ms: number, callback: () => void): () => void;
}

/** The clock of the platform: `performance.now()` and `setTimeout`. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
