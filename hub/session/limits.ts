/**
 * Limits: the defaults, the rate of one connection, and how many connections one key may have.
 *
 * @module
 */

import { type Clock, MIN_FRAME_BYTES } from "../../contract/mod.ts";
import { count, ms, ratio } from "../../contract/options/option_kinds.ts";
import { bag, type Kind, or, type Read, type Rows } from "../../contract/options/read_options.ts";
import type { HubLimits } from "../api/limits.ts";
import type { SlowConsumerPolicy } from "../api/options.ts";
import type { OutboxLimits } from "../outbox/outbox.ts";

/** A frame that has grown to this length leaves before the turn ends, in UTF-16 units of text, or bytes. */
const FRAME_LENGTH = 64 * 1024;

/** No runtime takes larger frames than 1 GiB. */
const FRAME_RANGE = { min: MIN_FRAME_BYTES, max: 1024 ** 3 };

/** {@linkcode HubLimits} with every default filled in. */
export type Limits = Required<Omit<HubLimits, "outbox">> & { readonly outbox: OutboxLimits };

/** How many of something there may be; `Infinity` for any number. */
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
 * Adds what the outboxes need beside the limits.
 *
 * @param given The limits.
 * @param policy See `HubOptions.slowConsumer`.
 */
export function completeLimits(given: Read<typeof LIMITS>, policy: SlowConsumerPolicy): Limits {
  return { ...given, outbox: { ...given.outbox, maxFrameLength: FRAME_LENGTH, policy } };
}

/** Names in what a client says are repeated to it so far: it knows the rest. */
const MAX_REPEATED = 64;

/** Cuts a name that a client made up, for an error's message. */
export function cutName(name: string): string {
  return name.length > MAX_REPEATED ? `${name.slice(0, MAX_REPEATED)}…` : name;
}

/** How much one connection may say. */
export type Rate = Pick<Limits, "messagesPerSecond" | "messageBurst">;

/**
 * So much of a burst may be taken between two looks at the clock, and at most so many: on some platforms a look costs as
 * much as reading a short frame. What was taken since the last look counts as taken then, so after an idle time as many
 * more than the burst may go through. Short bursts are exact.
 */
const UNTIMED = { part: 1 / 64, max: 16 };

/** A token bucket (https://en.wikipedia.org/wiki/Token_bucket). */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #rate: Rate; // what could be worked out of it once is not kept: there is one of these for each connection
  #tokens: number;
  #at: number;
  /** How many were asked for since the last look at the clock. */
  #untimed = 0;
  #refused = 0;

  /**
   * @param clock Where time comes from.
   * @param rate What is within the limit.
   */
  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = burstOf(rate);
    this.#at = clock.now();
  }

  /** Whether there is room for one. */
  get hasRoom(): boolean {
    return this.#tokens >= 1;
  }

  /** Takes as many as were used, also beyond what there was: what comes next waits for it. */
  charge(count: number): void {
    this.#tokens -= count;
  }

  /** Takes one; `"flood"` once as many as the burst have been refused without a pause. */
  take(): "ok" | "refused" | "flood" {
    if (this.#tokens >= 1) {
      this.#tokens--;
      return "ok";
    }
    return ++this.#refused > burstOf(this.#rate) ? "flood" : "refused";
  }

  /**
   * Gives back what time has brought. Call it before taking: an idle time must not give twice.
   *
   * @param count How many will be taken.
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

/** Without a limit of the rate there is none of the burst. */
function burstOf({ messagesPerSecond, messageBurst }: Rate): number {
  return messagesPerSecond === Infinity ? Infinity : messageBurst;
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
