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

/** A queue with bounds: conflates, drops or overflows. */
export class Held {
  readonly #codec: Codec;
  readonly #limits: HeldLimits;
  readonly #messages = new Map<number, Outgoing>();
  readonly #byKey = new Map<string, number>();
  #bytes = 0;
  #lastId = 0;
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
    return this.#messages.size;
  }

  /** How many messages were conflated away or dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Holds a message. A later message of a conflation key takes the place of the earlier one, at the end of the
   * queue, so that order is kept among what remains.
   *
   * @param message The message.
   * @returns `false` when the bounds are exceeded and the policy leaves nothing to drop: the connection must close.
   */
  add(message: Outgoing): boolean {
    const size = message.encoded(this.#codec).length; // first: what cannot be encoded changes nothing
    const { conflateKey } = message.urgency;
    if (conflateKey !== undefined) {
      const earlier = this.#byKey.get(conflateKey);
      if (earlier !== undefined) this.#drop(earlier);
      this.#byKey.set(conflateKey, this.#lastId + 1);
    }
    this.#messages.set(++this.#lastId, message);
    this.#bytes += size;
    while (this.#messages.size > this.#limits.maxMessages || this.#bytes > this.#limits.maxBytes) {
      if (this.#limits.policy === "close" || !this.#dropOldest()) return false;
    }
    return true;
  }

  /** Takes the oldest message out. */
  shift(): Outgoing | undefined {
    for (const [id, message] of this.#messages) {
      this.#remove(id, message);
      return message;
    }
    return undefined;
  }

  #dropOldest(): boolean {
    for (const [id, { urgency }] of this.#messages) {
      if (urgency.droppable) {
        this.#drop(id);
        return true;
      }
    }
    return false;
  }

  #drop(id: number): void {
    this.#remove(id, this.#messages.get(id)!);
    this.#dropped++;
  }

  #remove(id: number, message: Outgoing): void {
    this.#messages.delete(id);
    this.#bytes -= message.encoded(this.#codec).length;
    const { conflateKey } = message.urgency;
    if (conflateKey !== undefined && this.#byKey.get(conflateKey) === id) this.#byKey.delete(conflateKey);
  }
}
