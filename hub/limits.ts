/**
 * Limits: the defaults, the rate of one connection, and how many connections one key may have.
 *
 * @module
 */

import type { Clock } from "../contract/mod.ts";
import type { AnyHubOptions, HubLimits } from "./options.ts";
import type { OutboxLimits } from "./outbox.ts";

/** A frame that has grown to this size leaves before the turn ends, in bytes (UTF-16 units of text). */
const FRAME_BYTES = 64 * 1024;

/** {@linkcode HubLimits} with every default filled in. */
export type Limits = Required<Omit<HubLimits, "outbox">> & { readonly outbox: OutboxLimits };

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} When a limit is not a number above 0.
 */
export function resolveLimits({ limits = {}, slowConsumer: policy = "close" }: AnyHubOptions): Limits {
  const { outbox = {}, ...rest } = limits;
  const resolved: Limits = {
    maxFrameBytes: 256 * 1024,
    messagesPerSecond: 500,
    messageBurst: 1_000,
    maxSubscriptions: 1_000,
    maxPendingRequests: 1_000,
    maxConnections: Infinity,
    maxConnectionsPerUser: Infinity,
    maxConnectionsPerAddress: Infinity,
    handshakeTimeoutMs: 10_000,
    maxHistories: 10_000,
    ...rest,
    outbox: {
      maxMessages: 10_000,
      maxBytes: 1024 * 1024,
      highWaterBytes: 256 * 1024,
      maxFrameMessages: 512,
      ...outbox,
      maxFrameBytes: FRAME_BYTES,
      policy,
    },
  };
  for (const [name, value] of [...Object.entries(resolved), ...Object.entries(resolved.outbox)]) {
    if (typeof value === "number" && !(value > 0)) {
      throw new RangeError(`Cannot use ${value} as limit ${name}: give more than 0`);
    }
  }
  return resolved;
}

/**
 * Checks times that the application gave.
 *
 * @param times In milliseconds, by name.
 * @throws {RangeError} When one is not above 0.
 */
export function checkTimes(times: Readonly<Record<string, number>>): void {
  for (const [name, ms] of Object.entries(times)) {
    if (!(ms > 0)) throw new RangeError(`Cannot use ${ms} as ${name}: give more than 0`);
  }
}

/** A token bucket (https://en.wikipedia.org/wiki/Token_bucket). */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;
  #refused = 0;

  /**
   * @param clock Where time comes from.
   * @param perSecond The rate in the long run.
   * @param burst How many at once.
   */
  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = clock.now();
  }

  /** Takes one; `"flood"` once as many as the burst have been refused without a pause. */
  take(): "ok" | "refused" | "flood" {
    if (this.#tokens < 1) this.#refill();
    if (this.#tokens >= 1) {
      this.#tokens--;
      return "ok";
    }
    return ++this.#refused > this.#burst ? "flood" : "refused";
  }

  #refill(): void {
    const now = this.#clock.now();
    // Without a limit time need not pass: 0 ms of it would make NaN.
    const gained = this.#perMs === Infinity ? Infinity : (now - this.#at) * this.#perMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#at = now;
    if (this.#tokens >= this.#burst / 2) this.#refused = 0;
  }
}

/** Counts by key, up to a limit. */
export class KeyedLimit {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  /** @param max How many of one key. */
  constructor(max: number) {
    this.#max = max;
  }

  /** How many keys have a count above zero. */
  get size(): number {
    return this.#counts.size;
  }

  /** Whether one more of this key is within the limit. */
  hasRoom(key: string): boolean {
    return (this.#counts.get(key) ?? 0) < this.#max;
  }

  /**
   * Counts one more.
   *
   * @param key `undefined` counts nothing.
   * @returns Takes it back (once), or `undefined` when the limit is reached.
   */
  enter(key: string | undefined): (() => void) | undefined {
    if (key === undefined) return () => {};
    if (!this.hasRoom(key)) return undefined;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const count = this.#counts.get(key)! - 1;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
    };
  }
}
