/**
 * Counting messages by the size of the frame that they come in.
 *
 * @module
 */

import type { Heard } from "./dialects.ts";

/** Tells by the size of frames how many messages are in them, where they can hold nothing but messages of a known size. */
export class SizeCount {
  readonly #heard: Heard;
  /** How large the next message is. */
  #messageSize: number;
  /** The first number that makes messages larger. */
  #larger: number;

  /**
   * @param heard How messages come.
   * @param text The text of one; all have the same length.
   */
  constructor(heard: Heard, text: string) {
    this.#heard = heard;
    this.#messageSize = heard.message(text).length;
    this.#larger = heard.numbered ? 10 : Infinity;
  }

  /**
   * Counts; numbered messages by the digits that their numbers have when none is missing. Where some are, that is wrong only
   * when they are more than a message has bytes, which puts as many numbers on the other side of a power of ten.
   *
   * @param size How many bytes the frame has.
   * @param before How many messages have come before it.
   * @returns How many it holds; 0 where that has to be read.
   */
  count(size: number, before: number): number {
    for (; before + 1 >= this.#larger; this.#larger *= 10) this.#messageSize++;
    const { around, between } = this.#heard;
    const inside = size - around;
    if (inside === this.#messageSize) return 1;
    if (between === undefined) return 0;
    const count = (inside + between) / (this.#messageSize + between);
    return Number.isInteger(count) && before + count < this.#larger ? count : 0;
  }
}
