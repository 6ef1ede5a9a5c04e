/**
 * What an outbox has only while its connection is slow, or not open yet: the messages that wait, the time that they may
 * exceed their limits, and the callers that wait for room. Most connections never have it, so it is an object of its own.
 *
 * @module
 */

import type { Codec, Encoded } from "../../contract/mod.ts";
import { HoldQueue } from "./hold_queue.ts";
import type { OutboxRules } from "./outbox_rules.ts";
import type { Sendable } from "./sequence.ts";

/** How long a queue may exceed its limits, in milliseconds: a burst from one busy turn is not the client's fault. */
const GRACE_MS = 200;
/** The number of waits that make up this time. */
const GRACE_WAITS = 4;
/** A wait that ends later than planned by this time, in milliseconds, does not count, because the process was busy. */
const LATE_MS = 20;

/** The outbox of the slow connection. */
export interface Congested {
  /** Sends waiting messages, as far as the link has room. */
  drained(): void;
  /** The messages exceed their limits, and the policy allows no further drop: the connection must close. */
  overflowed(): void;
}

/** The messages that wait for a slow connection. */
export class Congestion {
  readonly #outbox: Congested;
  readonly #codec: Codec;
  readonly #rules: OutboxRules;
  #queue: HoldQueue | undefined;
  /** How many messages earlier queues dropped. */
  #dropped = 0;
  /** The callers that wait for room. */
  #seekers: (() => void)[] = [];
  #cancelJudging: (() => void) | undefined;

  /**
   * @param outbox The outbox.
   * @param codec The codec of its messages.
   * @param rules The limits and the clock.
   */
  constructor(outbox: Congested, codec: Codec, rules: OutboxRules) {
    this.#outbox = outbox;
    this.#codec = codec;
    this.#rules = rules;
  }

  /** How many messages wait. */
  get size(): number {
    return this.#queue?.size ?? 0;
  }

  /** How many messages were conflated away or dropped. */
  get dropped(): number {
    return this.#dropped + (this.#queue?.dropped ?? 0);
  }

  /** Resolves when the next `clear` is called. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#seekers.push(resolve));
  }

  /** Puts messages into the queue. If it exceeds its limits, the link first gets time to drain. */
  hold(sequence: Sendable): void {
    const queue = this.#queue ??= new HoldQueue(this.#codec, this.#rules.limits);
    const wasExceeded = queue.exceeded;
    queue.add(sequence);
    if (!queue.exceeded) return;
    if (queue.flooded) return this.#judge();
    if (wasExceeded) return; // it is being judged
    this.#cancelJudging?.(); // for an earlier burst, which the client has read meanwhile
    this.#judgeAfter(GRACE_WAITS);
  }

  /** Takes the oldest frame out; `undefined` when no message waits. */
  shift(): Encoded | undefined {
    if (this.size === 0) return undefined;
    const { maxFrameMessages, maxFrameLength } = this.#rules.limits;
    return this.#queue!.shift(maxFrameMessages, maxFrameLength);
  }

  /** The connection keeps up again, or has ended: drops what still waits, and tells the callers that wait for room. */
  clear(): void {
    this.#cancelJudging?.();
    this.#cancelJudging = undefined;
    this.#dropped = this.dropped;
    this.#queue = undefined;
    const seekers = this.#seekers;
    this.#seekers = [];
    for (const resolve of seekers) resolve();
  }

  /** Waits, then enforces the limits. A wait that ends late does not count: the process was too busy to send. */
  #judgeAfter(waits: number): void {
    const { clock } = this.#rules;
    const due = clock.now() + GRACE_MS / GRACE_WAITS;
    this.#cancelJudging = clock.after(GRACE_MS / GRACE_WAITS, () => {
      this.#cancelJudging = undefined;
      const left = clock.now() - due > LATE_MS ? waits : waits - 1;
      this.#outbox.drained();
      if (left === 0) this.#judge();
      else if (this.#queue?.exceeded) this.#judgeAfter(left);
    });
  }

  #judge(): void {
    if (this.#queue?.enforce() === false) this.#outbox.overflowed();
  }
}
