/**
 * How long to wait before trying again.
 *
 * @module
 */

import { isCount } from "../contract/wire/checks.ts";
import type { HubError } from "../contract/mod.ts";
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
   * Never wait longer than so many milliseconds, but for what the server asks for; not below `baseMs`.
   *
   * @default {30_000}
   */
  readonly maxMs?: number;
  /**
   * For so many milliseconds without a connection no wait is longer than 3 seconds (or `baseMs`, or what the server asks
   * for), while no server opens a link: most networks are back by then. The same holds for a subscription that was live and is
   * refused for now, because the store of its history is away. `0` to let waits grow at once.
   *
   * @default {60_000}
   */
  readonly patientMs?: number;
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
  patientMs: or(ms({ min: 0 }), 60_000),
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

/** How long the server that has sent a client away, or refused it something, wants to be left alone, in milliseconds. */
export function wishOf(error: HubError | undefined): number {
  const wish = (error?.data as { readonly retryInMs?: unknown } | null | undefined)?.retryInMs;
  return isCount(wish) ? wish as number : 0;
}

/** The longest wait while it is likely that the network is about to be back. */
const PROMPT_MS = 3_000;

/**
 * Exponential backoff with full jitter: each wait is drawn evenly from 0 up to a bound that grows with every attempt,
 * which spreads clients that lost their links together the best (Marc Brooker, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015).
 */
export class Backoff {
  readonly #settings: BackoffSettings;
  readonly #random: () => number;
  #attempt = 0;
  #bound: number;

  /**
   * @param settings The bounds.
   * @param random Where the jitter comes from.
   */
  constructor(settings: BackoffSettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
    this.#bound = settings.baseMs;
  }

  /** How many attempts were granted since the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /**
   * How long to wait before the next attempt, in milliseconds; `undefined` when there shall be none.
   *
   * @param awayMs For how long nobody has been reached; left out where waits grow from the first on.
   * @param wishMs How long the server wants to be left alone.
   */
  next(awayMs = Infinity, wishMs = 0): number | undefined {
    const { baseMs, maxMs, patientMs, factor, maxAttempts } = this.#settings;
    if (this.#attempt >= maxAttempts) return undefined;
    this.#attempt++;
    const most = awayMs < patientMs ? Math.min(maxMs, Math.max(baseMs, PROMPT_MS)) : maxMs;
    const bound = Math.min(most, this.#bound);
    this.#bound = bound * factor;
    return wishMs + this.#random() * bound;
  }

  /** Starts over: what was tried has worked. */
  reset(): void {
    this.#attempt = 0;
    this.hurry();
  }

  /** Waits short again, but forgives no attempt: something has changed. */
  hurry(): void {
    this.#bound = this.#settings.baseMs;
  }
}
