/**
 * Limits: the defaults, the rate of one connection, and how many connections one key may have.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import type { AnyHubOptions, HubLimits } from "../api/options.ts";
import type { OutboxLimits } from "../outbox/outbox.ts";

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
    maxHistoryBytes: 64 * 1024 * 1024,
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

/** How much one connection may say. */
export type Rate = Pick<Limits, "messagesPerSecond" | "messageBurst">;

/** A token bucket (https://en.wikipedia.org/wiki/Token_bucket). */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #tokens: number;
  #at: number;
  #refused = 0;

  /**
   * @param clock Where time comes from.
   * @param rate What is within the limit.
   */
  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.messageBurst;
    this.#at = clock.now();
  }

  /** Takes one; `"flood"` once as many as the burst have been refused without a pause. */
  take(): "ok" | "refused" | "flood" {
    if (this.#tokens < 1) this.#refill();
    if (this.#tokens >= 1) {
      this.#tokens--;
      return "ok";
    }
    return ++this.#refused > this.#rate.messageBurst ? "flood" : "refused";
  }

  #refill(): void {
    const { messagesPerSecond, messageBurst } = this.#rate;
    const now = this.#clock.now();
    // Without a limit time need not pass: 0 ms of it would make NaN.
    const gained = messagesPerSecond === Infinity ? Infinity : (now - this.#at) * messagesPerSecond / 1_000;
    this.#tokens = Math.min(messageBurst, this.#tokens + gained);
    this.#at = now;
    if (this.#tokens >= messageBurst / 2) this.#refused = 0;
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
   * @returns Whether there was room; if so, `leave` takes it back.
   */
  enter(key: string | undefined): boolean {
    if (key === undefined) return true;
    if (!this.hasRoom(key)) return false;
    this.add(key);
    return true;
  }

  /** Counts one more, within the limit or not; `leave` takes it back. */
  add(key: string | undefined): void {
    if (key !== undefined) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Counts one less: of those that have entered, once each. */
  leave(key: string | undefined): void {
    if (key === undefined) return;
    const count = this.#counts.get(key)! - 1;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
