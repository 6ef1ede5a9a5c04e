/**
 * Time as a dependency, so that tests need not wait for real timers.
 *
 * @module
 */

/** How a timer of a {@linkcode Clock} behaves. */
export interface TimerOptions {
  /**
   * Whether the process may end while the timer waits and nothing else runs. For timers that repeat: heartbeats,
   * sweeps, checks. Do not set it for a timer that a caller awaits.
   *
   * @default {false}
   */
  readonly background?: boolean;
}

/** A source of time and timers. Times are in milliseconds. */
export interface Clock {
  /** Milliseconds since some fixed moment. It never goes back. */
  now(): number;
  /**
   * The time of day in milliseconds, like `Date.now()`. It goes on while the machine sleeps, and a person can set it.
   * Without it, the client does not notice a sleep during which `now` stands still.
   */
  wall?(): number;
  /**
   * Calls back once after a delay.
   *
   * @param ms The delay in milliseconds. `Infinity`, or more than the platform's timers can wait, means some 25 days.
   * @param callback The function to call.
   * @param options Whether the timer keeps the process alive.
   * @returns A function that cancels the timer. After the callback, or the second time, it does nothing.
   */
  after(ms: number, callback: () => void, options?: TimerOptions): () => void;
  /**
   * Calls back once, without a timer's delay, after everything that is ready to run in this turn of the event loop.
   * All messages that a connection is sent until then may share one frame.
   *
   * @param callback The function to call. It must not throw.
   */
  endOfTurn(callback: () => void): void;
}

/** The longest delay of the platforms' timers, some 25 days. With a longer delay they fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The timers that server runtimes have and browsers do not. */
interface ServerTimers {
  readonly setImmediate?: (callback: () => void) => unknown;
}

/** What `setTimeout` returns on server runtimes. */
interface ServerTimer {
  unref?(): void;
}

/**
 * The clock of the platform: `performance.now()` and `setTimeout`. The end of a turn is `setImmediate` on server
 * runtimes, and a timer without a delay elsewhere.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, callback, options) {
    // Runtimes warn about a negative delay.
    const timer: unknown = setTimeout(callback, Math.max(0, Math.min(ms, MAX_TIMER_MS)));
    // A browser's timer is a number: there is no process to keep alive.
    if (options?.background) (timer as ServerTimer).unref?.();
    return () => clearTimeout(timer as number);
  },
  endOfTurn(callback) {
    const { setImmediate } = globalThis as ServerTimers;
    if (setImmediate) setImmediate(callback);
    else setTimeout(callback);
  },
};
