/**
 * How long to wait before trying again.
 *
 * @module
 */

import { count, ms, ratio } from "../contract/options/option_kinds.ts";
import { bag, type Kind, or, type Rows, within } from "../contract/options/read_options.ts";

/** How patiently to reconnect; see {@linkcode ClientOptions.reconnect}. */
export interface ReconnectOptions {
  /**
   * The first attempt follows within so many milliseconds.
   *
   * @default {500}
   */
  readonly baseMs?: number;
  /**
   * Never wait longer than so many milliseconds; not below `baseMs`.
   *
   * @default {30_000}
   */
  readonly maxMs?: number;
  /**
   * The bound grows by this with each attempt; from 1 to 1,000.
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

const RECONNECT = {
  baseMs: or(ms({ min: 0 }), 500),
  maxMs: or(ms({ min: 0 }), 30_000),
  factor: or(ratio({ min: 1, max: 1_000 }), 2),
  maxAttempts: or(count({ min: 0, max: Infinity }), Infinity),
} satisfies Rows<ReconnectOptions>;

const reconnect = bag(RECONNECT);

/** The option `reconnect`: `false` for no attempt at all. */
export const readReconnect: Kind<BackoffSettings> = (value, place) => {
  const settings = reconnect(value === false ? { maxAttempts: 0 } : value, place);
  ms({ min: settings.baseMs })(settings.maxMs, within(place, "maxMs"));
  return settings;
};

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
    const bound = baseMs * factor ** this.#growth++;
    return this.#random() * Math.min(maxMs, bound || 0); // 0 ms grown without end is no number
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
