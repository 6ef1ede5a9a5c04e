/**
 * What a connection cannot be sent yet, within bounds.
 *
 * @module
 */

import type { Codec } from "../contract/mod.ts";
import type { Outgoing } from "./outgoing.ts";

/** What becomes of a connection that does not read as fast as it is sent to. */
export type SlowConsumerPolicy = "close" | "drop";

/** The bounds of what is held for one connection. */
export interface HeldLimits {
  /** How many messages. */
  readonly maxMessages: number;
  /** How much, in bytes (UTF-16 units where the codec makes text). */
  readonly maxBytes: number;
  /** What happens beyond. */
  readonly policy: SlowConsumerPolicy;
}

/** How far beyond its bounds a queue may go for a moment: see {@linkcode Held.exceeded}. */
const MOMENT_FACTOR = 8;

/** A queue with bounds: conflates, drops or overflows. */
export class Held {
  readonly #codec: Codec;
  readonly #limits: HeldLimits;
  /** What was conflated away or dropped leaves a hole. */
  #messages: (Outgoing | undefined)[] = [];
  #head = 0;
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
  constructor(codec: Codec, limits: HeldLimits) {
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
   * them for a moment, and then calls {@linkcode Held.enforce}.
   */
  get exceeded(): boolean {
    return this.#exceeds(1);
  }

  /** Whether they are exceeded so far that nothing can be waited for. */
  get flooded(): boolean {
    return this.#exceeds(MOMENT_FACTOR);
  }

  /**
   * Holds a message. A later message of a conflation key takes the place of the earlier one, at the end of the
   * queue, so that order is kept among what remains.
   *
   * @param message The message.
   */
  add(message: Outgoing): void {
    const bytes = message.encoded(this.#codec).length; // first: what cannot be encoded changes nothing
    const { conflateKey } = message.urgency;
    if (conflateKey !== undefined) {
      const earlier = this.#byKey.get(conflateKey);
      if (earlier !== undefined) this.#drop(earlier);
      this.#byKey.set(conflateKey, this.#messages.length);
    }
    this.#messages.push(message);
    this.#size++;
    this.#bytes += bytes;
  }

  /**
   * Brings the queue back within its bounds.
   *
   * @returns `false` when the policy leaves nothing to drop: the connection must close.
   */
  enforce(): boolean {
    while (this.exceeded) if (this.#limits.policy === "close" || !this.#dropOldest()) return false;
    return true;
  }

  /** Takes the oldest message out. */
  shift(): Outgoing | undefined {
    while (this.#head < this.#messages.length) {
      const message = this.#messages[this.#head++];
      if (!message) continue;
      this.#forget(message, this.#head - 1);
      if (this.#size === 0) this.#clear();
      return message;
    }
    return undefined;
  }

  #exceeds(factor: number): boolean {
    const { maxMessages, maxBytes } = this.#limits;
    return this.#size > maxMessages * factor || this.#bytes > maxBytes * factor;
  }

  #dropOldest(): boolean {
    this.#droppable = Math.max(this.#droppable, this.#head);
    for (; this.#droppable < this.#messages.length; this.#droppable++) {
      if (!this.#messages[this.#droppable]?.urgency.droppable) continue;
      this.#drop(this.#droppable);
      return true;
    }
    return false;
  }

  #drop(index: number): void {
    this.#forget(this.#messages[index]!, index);
    this.#dropped++;
    if (this.#messages.length > 2 * this.#size + 1_024) this.#compact();
  }

  #forget(message: Outgoing, index: number): void {
    this.#messages[index] = undefined;
    this.#size--;
    this.#bytes -= message.encoded(this.#codec).length;
    const { conflateKey } = message.urgency;
    if (conflateKey !== undefined && this.#byKey.get(conflateKey) === index) this.#byKey.delete(conflateKey);
  }

  /** Closes the holes. */
  #compact(): void {
    this.#messages = this.#messages.filter((message) => message !== undefined);
    this.#head = 0;
    this.#droppable = 0;
    this.#byKey.clear();
    for (const [index, message] of this.#messages.entries()) {
      const { conflateKey } = message!.urgency;
      if (conflateKey !== undefined) this.#byKey.set(conflateKey, index);
    }
  }

  #clear(): void {
    this.#messages = [];
    this.#head = 0;
    this.#droppable = 0;
  }
}
