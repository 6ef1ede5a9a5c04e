/**
 * What a connection cannot be sent yet, within bounds.
 *
 * @module
 */

import type { Codec, Encoded } from "../../contract/mod.ts";
import type { SlowConsumerPolicy } from "../api/options.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { Sequence } from "./sequence.ts";

/** The bounds of what is held for one connection. */
export interface HoldQueueLimits {
  /** How many messages. */
  readonly maxMessages: number;
  /** How much, in bytes. */
  readonly maxBytes: number;
  /** What happens beyond. */
  readonly policy: SlowConsumerPolicy;
}

/** How far beyond its bounds a queue may go for a moment: see {@linkcode HoldQueue.exceeded}. */
const MOMENT_FACTOR = 8;

/**
 * A queue with bounds: conflates, drops or overflows.
 *
 * It holds whole sequences, whose frames are shared with other connections, until a single message matters: one that
 * may be conflated, or that is to be dropped. From then on, until it is empty, it holds message by message.
 */
export class HoldQueue {
  readonly #codec: Codec;
  readonly #limits: HoldQueueLimits;
  /** What was conflated away or dropped leaves a hole. */
  #items: (Sequence | OutgoingMessage | undefined)[] = [];
  #head = 0;
  #single = false;
  /** Before it nothing can be dropped. */
  #droppable = 0;
  /** Where the latest message of a conflation key is. */
  readonly #byKey = new Map<string, number>();
  #size = 0;
  #bytes = 0;
  #dropped = 0;

  /**
   * @param codec Tells how large a message is.
   * @param limits The bounds.
   */
  constructor(codec: Codec, limits: HoldQueueLimits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /** How many messages are held. */
  get size(): number {
    return this.#size;
  }

  /** How many messages were conflated away or dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Whether the bounds are exceeded. While a process is busy no link drains, so whoever fills the queue lets it exceed
   * them for a moment, and then calls {@linkcode HoldQueue.enforce}.
   */
  get exceeded(): boolean {
    return this.#exceeds(1);
  }

  /** Whether they are exceeded so far that nothing can be waited for. */
  get flooded(): boolean {
    return this.#exceeds(MOMENT_FACTOR);
  }

  /**
   * Holds messages. A later message of a conflation key takes the place of the earlier one, at the end of the queue,
   * so that order is kept among what remains.
   *
   * @param sequence The messages.
   */
  add(sequence: Sequence): void {
    if (sequence.conflates) this.#breakUp();
    if (this.#single) {
      for (const message of sequence.messages()) this.#addSingle(message);
      return;
    }
    this.#items.push(sequence);
    this.#size += sequence.count;
    this.#bytes += sequence.bytes;
  }

  /**
   * Brings the queue back within its bounds.
   *
   * @returns `false` when the policy leaves nothing to drop: the connection must close.
   */
  enforce(): boolean {
    if (!this.exceeded) return true;
    if (this.#limits.policy === "close") return false;
    this.#breakUp();
    while (this.exceeded) if (!this.#dropOldest()) return false;
    return true;
  }

  /**
   * Takes the oldest frame out.
   *
   * @param maxMessages At most so many messages, where they are held one by one.
   * @param maxBytes From this size on no further message is added.
   */
  shift(maxMessages: number, maxBytes: number): Encoded | undefined {
    const singles: Encoded[] = [];
    let bytes = 0;
    let frame: Encoded | undefined;
    while (this.#head < this.#items.length && singles.length < maxMessages && bytes < maxBytes) {
      const index = this.#head++;
      const item = this.#items[index];
      if (item instanceof Sequence) {
        this.#items[index] = undefined;
        this.#size -= item.count;
        this.#bytes -= item.bytes;
        frame = item.frame();
        break;
      } else if (item) {
        singles.push(item.encoded(this.#codec));
        bytes += this.#forget(item, index);
      }
    }
    if (this.#size === 0) this.clear();
    else if (this.#head > 1_024 && 2 * this.#head > this.#items.length) this.#closeHoles();
    return singles.length > 0 ? this.#codec.join(singles) : frame;
  }

  /** Forgets everything. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#single = false;
    this.#droppable = 0;
    this.#byKey.clear();
    this.#size = 0;
    this.#bytes = 0;
  }

  #exceeds(factor: number): boolean {
    const { maxMessages, maxBytes } = this.#limits;
    return this.#size > maxMessages * factor || this.#bytes > maxBytes * factor;
  }

  /** From whole sequences to single messages. */
  #breakUp(): void {
    if (this.#single) return;
    const sequences = this.#items.slice(this.#head) as Sequence[];
    this.clear();
    this.#single = true;
    for (const sequence of sequences) for (const message of sequence.messages()) this.#addSingle(message);
  }

  #addSingle(message: OutgoingMessage): void {
    const { conflateKey } = message.urgency;
    if (conflateKey !== undefined) {
      const earlier = this.#byKey.get(conflateKey);
      if (earlier !== undefined) this.#drop(earlier);
      this.#byKey.set(conflateKey, this.#items.length);
    }
    this.#items.push(message);
    this.#size++;
    this.#bytes += message.size(this.#codec);
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

  /** Takes a single message out; tells its size. */
  #forget(message: OutgoingMessage, index: number): number {
    const bytes = message.size(this.#codec);
    this.#items[index] = undefined;
    this.#size--;
    this.#bytes -= bytes;
    const { conflateKey } = message.urgency;
    if (conflateKey !== undefined && this.#byKey.get(conflateKey) === index) this.#byKey.delete(conflateKey);
    return bytes;
  }

  #closeHoles(): void {
    this.#items = this.#items.filter((item) => item !== undefined);
    this.#head = 0;
    this.#droppable = 0;
    if (!this.#single) return;
    this.#byKey.clear();
    for (const [index, item] of this.#items.entries()) {
      const { conflateKey } = (item as OutgoingMessage).urgency;
      if (conflateKey !== undefined) this.#byKey.set(conflateKey, index);
    }
  }
}
