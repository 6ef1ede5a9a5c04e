/**
 * Time as a dependency, so that whatever waits can be tested without waiting.
 *
 * @module
 */

/** How a timer of a {@linkcode Clock} behaves. */
export interface TimerOptions {
  /**
   * Whether the process may end while the timer waits, when it has nothing else to do. For timers that repeat as long
   * as something lives: heartbeats, sweeps, checks. A timer that somebody awaits is not one of them.
   *
   * @default {false}
   */
  readonly background?: boolean;
}

/** A source of time and timers. Times are in milliseconds. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /**
   * Milliseconds by the clock on the wall, which goes on while the machine sleeps, and may be set. Without it a sleep in
   * which `now` stands still is not noticed.
   */
  wall?(): number;
  /**
   * Calls back once after a delay.
   *
   * @param ms The delay in milliseconds; `Infinity` and whatever is beyond the platform's timers waits very long.
   * @param callback What to call.
   * @param options Whether the timer keeps the process alive.
   * @returns A function that cancels it; calling it late or twice does nothing.
   */
  after(ms: number, callback: () => void, options?: TimerOptions): () => void;
  /**
   * Calls back once, after everything that is ready to run in this turn of the event loop has run, and without a
   * timer's delay. Whatever a connection is sent until then shares frames.
   *
   * @param callback What to call. It does not throw.
   */
  endOfTurn(callback: () => void): void;
}

/** The longest delay of the platforms' timers, some 25 days: beyond it they fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** What servers' runtimes have beside the web's timers. */
interface ServerTimers {
  readonly setImmediate?: (callback: () => void) => unknown;
}

/** What `setTimeout` returns on servers' runtimes. */
interface ServerTimer {
  unref?(): void;
}

/**
 * The clock of the platform: `performance.now()` and `setTimeout`; the end of a turn is `setImmediate`, which servers'
 * runtimes have, and elsewhere a timer without a delay.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, callback, options) {
    // Of a time that has passed meanwhile runtimes warn.
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
