/**
 * How long to wait before trying again.
 *
 * @module
 */

/** How patiently to reconnect; see {@linkcode ClientOptions.reconnect}. */
export interface ReconnectOptions {
  /**
   * The first attempt follows within so many milliseconds.
   *
   * @default {500}
   */
  readonly baseMs?: number;
  /**
   * Never wait longer than so many milliseconds.
   *
   * @default {30_000}
   */
  readonly maxMs?: number;
  /**
   * The bound grows by this with each attempt.
   *
   * @default {2}
   */
  readonly factor?: number;
  /**
   * How many attempts in a row may fail before the client closes for good.
   *
   * @default {Infinity}
   */
  readonly maxAttempts?: number;
}

/** Options of a {@linkcode Backoff}, complete. */
export type BackoffSettings = Required<ReconnectOptions>;

/**
 * Checks options and fills in the defaults.
 *
 * @param options As the user gave them; `false` for no attempt at all.
 * @throws {RangeError} When a number is out of its range.
 */
export function resolveReconnect(options: ReconnectOptions | false = {}): BackoffSettings {
  const { baseMs = 500, maxMs = 30_000, factor = 2, maxAttempts = Infinity } = options || { maxAttempts: 0 };
  if (baseMs >= 0 && maxMs >= baseMs && maxMs < 2 ** 31 && factor >= 1 && maxAttempts >= 0) {
    return { baseMs, maxMs, factor, maxAttempts };
  }
  throw new RangeError(
    "Cannot use these reconnect options: 0 <= baseMs <= maxMs < 2^31, factor >= 1 and maxAttempts >= 0 must hold",
  );
}

/**
 * Exponential backoff with full jitter: each wait is drawn evenly from 0 up to a bound that grows with every attempt,
 * which spreads clients that lost their links together the best (Marc Brooker, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015).
 */
export class Backoff {
  readonly #settings: BackoffSettings;
  readonly #random: () => number;
  #attempt = 0;
  #growth = 0;

  /**
   * @param settings The bounds.
   * @param random Where the jitter comes from.
   */
  constructor(settings: BackoffSettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
  }

  /** How many attempts were granted since the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /** How long to wait before the next attempt, in milliseconds; `undefined` when there shall be none. */
  next(): number | undefined {
    const { baseMs, maxMs, factor, maxAttempts } = this.#settings;
    if (this.#attempt >= maxAttempts) return undefined;
    this.#attempt++;
    return this.#random() * Math.min(maxMs, baseMs * factor ** this.#growth++);
  }

  /** Starts over: what was tried has worked. */
  reset(): void {
    this.#attempt = this.#growth = 0;
  }

  /** Waits short again, but forgives no attempt: something has changed. */
  hurry(): void {
    this.#growth = 0;
  }
}
