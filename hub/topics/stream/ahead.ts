/**
 * The messages of a stream that have arrived too early.
 *
 * @module
 */

import type { KeptMessage } from "../../outbox/kept_message.ts";

/** How many early messages may wait, and how much text they may have, in UTF-16 units. */
const MAX_AHEAD = 1_000;
const MAX_AHEAD_LENGTH = 1024 * 1024;

/** A message that has arrived too early; `undefined` for one that cannot be delivered. */
interface Early {
  readonly message: KeptMessage | undefined;
  readonly length: number;
}

/** Early messages by offset, with limits of number and text. */
export class Ahead {
  readonly #all = new Map<number, Early>();
  #length = 0;

  /** The number of messages. */
  get size(): number {
    return this.#all.size;
  }

  /** The lowest offset; `Infinity` without messages. */
  get first(): number {
    return Math.min(...this.#all.keys());
  }

  /** Whether there is no room for a further message of this length. */
  isFull(length: number): boolean {
    return this.#all.size >= MAX_AHEAD || this.#length + length > MAX_AHEAD_LENGTH;
  }

  /** Keeps a message, unless its offset is taken. */
  add(offset: number, message: KeptMessage | undefined, length: number): void {
    if (this.#all.has(offset)) return;
    this.#all.set(offset, { message, length });
    this.#length += length;
  }

  /** Removes and returns the message at an offset; `undefined` when there is none. */
  take(offset: number): Early | undefined {
    const early = this.#all.get(offset);
    if (!early) return undefined;
    this.#length -= early.length;
    this.#all.delete(offset);
    return early;
  }

  /** Forgets the messages up to an offset. */
  passed(last: number): void {
    for (const offset of this.#all.keys()) if (offset <= last) this.take(offset);
  }

  /** Forgets all messages. */
  clear(): void {
    this.#all.clear();
    this.#length = 0;
  }
}
