/**
 * Counts messages by the size of the frame that carries them.
 *
 * @module
 */

import type { Heard } from "./dialects.ts";

/** Tells from the size of a frame how many messages it contains, if it can contain only messages of a known size. */
export class SizeCount {
  readonly #heard: Heard;
  /** The size of the next message. */
  #messageSize: number;
  /** The next number at which messages get larger: it has one more digit. */
  #larger: number;

  /**
   * @param heard The form of incoming messages.
   * @param text The text of one message; all have the same length.
   */
  constructor(heard: Heard, text: string) {
    this.#heard = heard;
    this.#messageSize = heard.message(text).length;
    this.#larger = heard.numbered ? 10 : Infinity;
  }

  /**
   * Counts. For numbered messages it assumes the digits that their numbers have if no message is missing. The count is
   * wrong only if more messages are missing than a message has bytes. Then so many numbers lie on the other side of a
   * power of ten.
   *
   * @param size The size of the frame in bytes.
   * @param before How many messages came before this frame.
   * @returns How many messages it contains; 0 if the frame must be read to know.
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
