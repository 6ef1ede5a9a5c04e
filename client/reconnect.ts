/**
 * How long to wait before the next attempt.
 *
 * @module
 */

import { isCount } from "../contract/wire/checks.ts";
import type { HubError } from "../contract/mod.ts";
import { count, ms, ratio } from "../contract/options/option_kinds.ts";
import { bag, type Kind, or, type Rows, within } from "../contract/options/read_options.ts";

/** How to reconnect; see {@linkcode ClientOptions.reconnect}. */
export interface ReconnectOptions {
  /**
   * The first attempt follows within this time, in milliseconds. After `0` it follows at once, and the waits grow from a
   * millisecond.
   *
   * @default {500}
   */
  readonly baseMs?: number;
  /**
   * The longest wait, in milliseconds. Only a time that the server asks for may be longer. Not below `baseMs`.
   *
   * @default {30_000}
   */
  readonly maxMs?: number;
  /**
   * How long waits stay short after a lost connection, in milliseconds, because most networks are back by then. While
   * no server opens a link, no wait is longer than 3 seconds (or `baseMs`, or a time that the server asks for). The
   * same holds for a subscription that was live and is refused for now, because the store of its history is away.
   * `0`: waits grow at once.
   *
   * @default {60_000}
   */
  readonly patientMs?: number;
  /**
   * Each attempt multiplies the longest wait by this factor; from 1 to 1,000. Attempts that reach a server and attempts
   * that reach none have a longest wait each.
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

/** The complete options of a {@linkcode Backoff}. */
export type BackoffSettings = Required<ReconnectOptions>;

const RECONNECT = {
  baseMs: or(ms({ min: 0 }), 500),
  maxMs: or(ms({ min: 0 }), 30_000),
  patientMs: or(ms({ min: 0 }), 60_000),
  factor: or(ratio({ min: 1, max: 1_000 }), 2),
  maxAttempts: or(count({ min: 0, max: Infinity }), Infinity),
} satisfies Rows<ReconnectOptions>;

const reconnect = bag(RECONNECT);

/** The option `reconnect`. `false` means no attempts. */
export const readReconnect: Kind<BackoffSettings> = (value, place) => {
  const settings = reconnect(value === false ? { maxAttempts: 0 } : value, place);
  ms({ min: settings.baseMs })(settings.maxMs, within(place, "maxMs"));
  return settings;
};

/** How long a server asks a client to wait after it sent it away or refused it, in milliseconds. */
export function wishOf(error: HubError | undefined): number {
  const wish = (error?.data as { readonly retryInMs?: unknown } | null | undefined)?.retryInMs;
  return isCount(wish) ? wish as number : 0;
}

/** The longest wait while the network is likely to come back soon. */
const PROMPT_MS = 3_000;

/**
 * Exponential backoff with full jitter: each wait is random, from 0 up to a bound that grows with every attempt. This
 * spreads clients that lost their links together better than other methods (Marc Brooker, "Exponential Backoff And
 * Jitter", AWS Architecture Blog, 2015).
 */
export class Backoff {
  readonly #settings: BackoffSettings;
  readonly #random: () => number;
  #attempt = 0;
  /** The longest next wait after a server was reached, and after none was. */
  #bounds!: number[];

  /**
   * @param settings The bounds.
   * @param random The source of the jitter.
   */
  constructor(settings: BackoffSettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
    this.hurry();
  }

  /** The number of attempts since the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /**
   * Returns how long to wait before the next attempt, in milliseconds; `undefined` if no attempt may follow.
   *
   * @param awayMs How long no server was reached. Leave it out if waits should grow from the first one on.
   * @param wishMs How long the server asks the client to wait.
   */
  next(awayMs = Infinity, wishMs = 0): number | undefined {
    const { baseMs, maxMs, patientMs, factor, maxAttempts } = this.#settings;
    if (this.#attempt >= maxAttempts) return undefined;
    this.#attempt++;
    const most = awayMs < patientMs ? Math.min(maxMs, Math.max(baseMs, PROMPT_MS)) : maxMs;
    const kind = Number(awayMs < Infinity);
    const bound = Math.min(most, this.#bounds[kind]!);
    this.#bounds[kind] = bound * factor || 1;
    return wishMs + this.#random() * bound;
  }

  /** Resets everything after a success. */
  reset(): void {
    this.#attempt = 0;
    this.hurry();
  }

  /** Makes the waits short again, but does not reset the number of attempts: the network may have changed. */
  hurry(): void {
    const { baseMs } = this.#settings;
    this.#bounds = [baseMs, baseMs];
  }
}
