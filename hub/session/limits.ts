/**
 * Limits: the defaults, the rate limit of one connection, and the limit of connections by key.
 *
 * @module
 */

import { type Clock, MIN_FRAME_BYTES } from "../../contract/mod.ts";
import { count, ms, ratio } from "../../contract/options/option_kinds.ts";
import { bag, type Kind, or, type Read, type Rows } from "../../contract/options/read_options.ts";
import type { HubLimits } from "../api/limits.ts";
import type { SlowConsumerPolicy } from "../api/options.ts";
import type { OutboxLimits } from "../outbox/outbox_rules.ts";

/** When a frame has this length, it is sent before the turn ends, in UTF-16 units of text, or bytes. */
const FRAME_LENGTH = 64 * 1024;

/** Runtimes take no frames above 1 GiB. */
const FRAME_RANGE = { min: MIN_FRAME_BYTES, max: 1024 ** 3 };

/** {@linkcode HubLimits} with every default filled in. */
export type Limits = Required<Omit<HubLimits, "outbox">> & { readonly outbox: OutboxLimits };

/** A limit on a number; `Infinity` for no limit. */
const atMost = (fallback: number) => or(count({ max: Infinity }), fallback);

const LIMITS = {
  maxFrameBytes: or(count(FRAME_RANGE), 256 * 1024),
  messagesPerSecond: or(ratio({ min: 0.001, max: Infinity }), 500),
  messageBurst: atMost(1_000),
  maxSubscriptions: atMost(1_000),
  maxPendingRequests: atMost(1_000),
  maxPendingBytes: atMost(8 * 1024 * 1024),
  recoveryBurst: atMost(100_000),
  maxConnections: atMost(Infinity),
  maxConnectionsPerUser: atMost(Infinity),
  maxConnectionsPerAddress: atMost(Infinity),
  maxHandshakes: atMost(10_000),
  maxHandshakesPerAddress: atMost(Infinity),
  maxAuthenticating: atMost(100),
  handshakeTimeoutMs: or(ms(), 10_000),
  maxHistoryReads: atMost(64),
  requestIdMs: or(ms(), 300_000),
  maxRequestIds: atMost(10_000),
  maxRequestIdBytes: atMost(16 * 1024 * 1024),
  maxHistories: atMost(10_000),
  maxHistoryBytes: atMost(64 * 1024 * 1024),
  outbox: bag(
    {
      maxMessages: atMost(10_000),
      maxBytes: atMost(1024 * 1024),
      highWaterBytes: atMost(256 * 1024),
      maxFrameMessages: atMost(512),
    } satisfies Rows<NonNullable<HubLimits["outbox"]>>,
  ),
} satisfies Rows<HubLimits>;

/** The option `limits`. */
export const limits: Kind<Read<typeof LIMITS>> = bag(LIMITS);

/**
 * Adds what the outboxes need beside these limits.
 *
 * @param given The limits.
 * @param policy See `HubOptions.slowConsumer`.
 */
export function completeLimits(given: Read<typeof LIMITS>, policy: SlowConsumerPolicy): Limits {
  return { ...given, outbox: { ...given.outbox, maxFrameLength: FRAME_LENGTH, policy } };
}

/** How much of a client's made-up name an error repeats to it, in UTF-16 units. */
const MAX_REPEATED = 64;

/** Cuts a name that a client made up, for an error's message. */
export function cutName(name: string): string {
  return name.length > MAX_REPEATED ? `${name.slice(0, MAX_REPEATED)}…` : name;
}

/** How many messages one connection may send. */
export type Rate = Pick<Limits, "messagesPerSecond" | "messageBurst">;

/**
 * How many messages a connection may send between two reads of the clock: a part of the burst, and an absolute limit.
 * On some platforms a read costs as much as parsing a short frame. Messages since the last read count as sent at that
 * read. So after an idle time that many more than the burst may pass. Short bursts are exact.
 */
const UNTIMED = { part: 1 / 64, max: 16 };

/** A token bucket (https://en.wikipedia.org/wiki/Token_bucket). */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #rate: Rate; // values derived from it are not kept: every connection has one of these
  #tokens: number;
  #at: number;
  /** How many messages came since the last read of the clock. */
  #untimed = 0;
  #refused = 0;

  /**
   * @param clock The clock.
   * @param rate The rate and the burst.
   */
  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = burstOf(rate);
    this.#at = clock.now();
  }

  /** Whether one more message may pass. */
  get hasRoom(): boolean {
    return this.#tokens >= 1;
  }

  /** Takes this many tokens, even if there are fewer. Then the next messages wait until the tokens are back. */
  charge(count: number): void {
    this.#tokens -= count;
  }

  /** Takes one token; `"flood"` when it has refused as many as the burst without a pause. */
  take(): "ok" | "refused" | "flood" {
    if (this.#tokens >= 1) {
      this.#tokens--;
      return "ok";
    }
    return ++this.#refused > burstOf(this.#rate) ? "flood" : "refused";
  }

  /**
   * Adds the tokens for the time that has passed. Call it before `take`, so that an idle time does not count twice.
   *
   * @param count How many messages will be taken.
   */
  refill(count: number): void {
    this.#untimed += count;
    const burst = burstOf(this.#rate);
    if (this.#untimed <= Math.min(UNTIMED.max, burst * UNTIMED.part) && this.#tokens >= count) return;
    const now = this.#clock.now();
    if (this.#tokens < burst) {
      const gained = (now - this.#at) * this.#rate.messagesPerSecond / 1_000;
      this.#tokens = Math.min(burst, this.#tokens + gained);
      if (this.#tokens >= burst / 2) this.#refused = 0;
    }
    this.#at = now;
    this.#untimed = 0;
  }
}

/** If the rate has no limit, the burst has no limit either. */
function burstOf({ messagesPerSecond, messageBurst }: Rate): number {
  return messagesPerSecond === Infinity ? Infinity : messageBurst;
}

/** Counts by key, up to a limit. Without a limit it counts nothing. */
export class KeyedLimit {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  /** @param max How many of one key are allowed; `Infinity` for no limit. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether there is a limit. */
  get limits(): boolean {
    return this.#max !== Infinity;
  }

  /** How many keys have a count above zero. */
  get size(): number {
    return this.#counts.size;
  }

  /** Whether one more of this key is allowed. */
  hasRoom(key: string): boolean {
    return !this.limits || (this.#counts.get(key) ?? 0) < this.#max;
  }

  /**
   * Counts one more.
   *
   * @param key `undefined` counts nothing.
   * @returns Whether one more was allowed; if so, call `leave` for it later.
   */
  enter(key: string | undefined): boolean {
    if (key === undefined || !this.limits) return true;
    if (!this.hasRoom(key)) return false;
    this.add(key);
    return true;
  }

  /** Counts one more, even above the limit; call `leave` for it later. */
  add(key: string | undefined): void {
    if (key !== undefined && this.limits) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Counts one less. Call it once for each `enter` or `add`. */
  leave(key: string | undefined): void {
    if (key === undefined || !this.limits) return;
    const count = this.#counts.get(key)! - 1;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
