/**
 * The queue of messages for a slow connection, within limits.
 *
 * @module
 */

import type { Codec, Encoded } from "../../contract/mod.ts";
import type { SlowConsumerPolicy } from "../api/options.ts";
import { OutgoingMessage } from "./outgoing_message.ts";
import type { Sendable } from "./sequence.ts";

/** The limits of the queue of one connection. */
export interface HoldQueueLimits {
  /** The limit of messages. */
  readonly maxMessages: number;
  /** The limit in bytes. */
  readonly maxBytes: number;
  /** What happens beyond the limits. */
  readonly policy: SlowConsumerPolicy;
}

/** How many times its limits a queue may hold for a moment; see {@linkcode HoldQueue.exceeded}. */
const MOMENT_FACTOR = 8;

/**
 * A queue with limits. It conflates or drops messages, or overflows.
 *
 * A message of a key normally removes the earlier one and comes last. If all keys change faster than the client reads, those that
 * change last would never get to the front. So a message that has waited while a frame left stays, and then the queue holds
 * two messages of its key.
 *
 * At first it holds whole sequences, whose frames other connections share. When a message can be conflated or must be
 * dropped, it changes to single messages, until it is empty.
 */
export class HoldQueue {
  readonly #codec: Codec;
  readonly #limits: HoldQueueLimits;
  /** The queue. A message that was conflated away or dropped leaves a hole. */
  #items: (Sendable | OutgoingMessage | undefined)[] = [];
  #head = 0;
  #single = false;
  /** No item before this index can be dropped. */
  #droppable = 0;
  /** The index of the latest message, by conflation key. */
  readonly #byKey = new Map<string, number>();
  /** The index of an earlier message that stays, by conflation key. */
  readonly #staying = new Map<string, number>();
  /** The items before this index were there when a frame last left. */
  #passed = 0;
  #size = 0;
  #bytes = 0;
  #dropped = 0;

  /**
   * @param codec The codec, for the sizes of messages.
   * @param limits The limits.
   */
  constructor(codec: Codec, limits: HoldQueueLimits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /** How many messages it holds. */
  get size(): number {
    return this.#size;
  }

  /** How many messages it has conflated away or dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Whether the queue exceeds its limits. No link drains while the process is busy. So the outbox lets the queue exceed
   * its limits for a moment, and then calls {@linkcode HoldQueue.enforce}.
   */
  get exceeded(): boolean {
    return this.#exceeds(1);
  }

  /** Whether the queue exceeds its limits by so much that waiting is not possible. */
  get flooded(): boolean {
    return this.#exceeds(MOMENT_FACTOR);
  }

  /**
   * Adds messages at the end. A message with a conflation key removes the earlier one with that key, or the later of two.
   * The remaining messages keep their order.
   *
   * @param sequence The messages.
   */
  add(sequence: Sendable): void {
    if (sequence.conflates) this.#breakUp();
    if (this.#single) {
      for (const message of sequence.messages()) this.#addSingle(message);
      return;
    }
    sequence.detach();
    this.#items.push(sequence);
    this.#size += sequence.count;
    this.#bytes += sequence.bytes;
  }

  /**
   * Drops messages until the queue is within its limits. If the policy is to close, these are only earlier ones of keys.
   *
   * @returns `false` when the policy allows no further drop: the connection must close.
   */
  enforce(): boolean {
    if (!this.exceeded) return true;
    if (this.#limits.policy === "close") return this.#dropStaying();
    this.#breakUp();
    while (this.exceeded) if (!this.#dropOldest()) return false;
    return true;
  }

  /**
   * Takes the oldest frame out.
   *
   * @param maxMessages The limit of single messages in the frame.
   * @param maxBytes From this size on, no further message is added to the frame.
   */
  shift(maxMessages: number, maxBytes: number): Encoded | undefined {
    const singles: Encoded[] = [];
    let bytes = 0;
    let frame: Encoded | undefined;
    while (this.#head < this.#items.length && singles.length < maxMessages && bytes < maxBytes) {
      const index = this.#head++;
      const item = this.#items[index];
      if (item instanceof OutgoingMessage) {
        singles.push(item.encoded(this.#codec));
        bytes += this.#forget(item, index);
      } else if (item) {
        this.#items[index] = undefined;
        this.#size -= item.count;
        this.#bytes -= item.bytes;
        frame = item.frame();
        break;
      }
    }
    this.#passed = this.#items.length;
    if (this.#size === 0) this.clear();
    else if (this.#head > 1_024 && 2 * this.#head > this.#items.length) this.#closeHoles();
    return singles.length > 0 ? this.#codec.join(singles) : frame;
  }

  /** Empties the queue. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#single = false;
    this.#droppable = 0;
    this.#byKey.clear();
    this.#staying.clear();
    this.#passed = 0;
    this.#size = 0;
    this.#bytes = 0;
  }

  #exceeds(factor: number): boolean {
    const { maxMessages, maxBytes } = this.#limits;
    return this.#size > maxMessages * factor || this.#bytes > maxBytes * factor;
  }

  /** Changes from whole sequences to single messages. */
  #breakUp(): void {
    if (this.#single) return;
    const sequences = this.#items.slice(this.#head) as Sendable[];
    this.clear();
    this.#single = true;
    for (const sequence of sequences) for (const message of sequence.messages()) this.#addSingle(message);
  }

  #addSingle(message: OutgoingMessage): void {
    const { conflateKey } = message.urgency;
    if (conflateKey !== undefined) {
      const earlier = this.#byKey.get(conflateKey);
      if (earlier! < this.#passed && !this.#staying.has(conflateKey)) {
        this.#staying.set(conflateKey, earlier!);
      } else if (earlier !== undefined) this.#drop(earlier);
      this.#byKey.set(conflateKey, this.#items.length);
    }
    this.#items.push(message);
    this.#size++;
    this.#bytes += message.size(this.#codec);
  }

  /** Drops earlier messages of keys, the last ones first: those at the front have waited longest. */
  #dropStaying(): boolean {
    for (const index of [...this.#staying.values()].sort((one, other) => other - one)) {
      if (!this.exceeded) return true;
      this.#forget(this.#items[index] as OutgoingMessage, index);
      this.#dropped++;
    }
    return !this.exceeded;
  }

  #dropOldest(): boolean {
    this.#droppable = Math.max(this.#droppable, this.#head);
    for (; this.#droppable < this.#items.length; this.#droppable++) {
      const item = this.#items[this.#droppable] as OutgoingMessage | undefined;
      if (!item?.urgency.droppable) continue;
      this.#drop(this.#droppable);
      return true;
    }
    return false;
  }

  #drop(index: number): void {
    this.#forget(this.#items[index] as OutgoingMessage, index);
    this.#dropped++;
    if (this.#items.length > 2 * this.#size + 1_024) this.#closeHoles();
  }

  /** Takes a single message out; returns its size. */
  #forget(message: OutgoingMessage, index: number): number {
    const bytes = message.size(this.#codec);
    this.#items[index] = undefined;
    this.#size--;
    this.#bytes -= bytes;
    const { conflateKey } = message.urgency;
    if (conflateKey === undefined) return bytes;
    if (this.#byKey.get(conflateKey) === index) this.#byKey.delete(conflateKey);
    else if (this.#staying.get(conflateKey) === index) this.#staying.delete(conflateKey);
    return bytes;
  }

  #closeHoles(): void {
    let passed = 0;
    for (let i = this.#head; i < this.#passed; i++) if (this.#items[i]) passed++;
    this.#passed = passed;
    this.#items = this.#items.filter((item) => item !== undefined);
    this.#head = 0;
    this.#droppable = 0;
    if (!this.#single) return;
    this.#byKey.clear();
    this.#staying.clear();
    for (const [index, item] of this.#items.entries()) {
      const { conflateKey } = (item as OutgoingMessage).urgency;
      if (conflateKey === undefined) continue;
      const earlier = this.#byKey.get(conflateKey);
      if (earlier !== undefined) this.#staying.set(conflateKey, earlier);
      this.#byKey.set(conflateKey, index);
    }
  }
}
