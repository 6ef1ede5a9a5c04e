/**
 * Answers between nodes that are larger than the adapter carries at once: how they are cut, and put together again.
 * See docs/decisions/0025-large-answers-in-parts.md.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";

/** The largest answer that nodes send each other, in UTF-16 units of its JSON. */
export const MAX_ANSWER_LENGTH = 32 * 1024 * 1024;
/** How many parts may be under way before the asker has said that it has the first of them. */
export const PARTS_UNDER_WAY = 4;

/** What a part has beside its text, in bytes at the most: its kind, three numbers, brackets, a cut surrogate at each end. */
const OVERHEAD_BYTES = 128;

/**
 * How much of an answer fits into one part.
 *
 * @param maxMessageBytes What the adapter carries at once.
 * @returns In UTF-16 units of JSON, none of which takes more than 3 bytes within JSON again; below 2 nothing fits.
 */
export function partLength(maxMessageBytes: number): number {
  return Math.floor((maxMessageBytes - OVERHEAD_BYTES) / 3);
}

/** One answer of one node, as its parts come in. */
export class AnswerParts {
  readonly #total: number;
  readonly #texts: string[] = [];
  #length = 0;

  /**
   * @param total The length of the whole, as its sender says.
   * @throws {HubError} `TOO_LARGE`.
   */
  constructor(total: number) {
    if (total > MAX_ANSWER_LENGTH) {
      throw new HubError(
        "TOO_LARGE",
        `Cannot take an answer of ${total} characters: at most ${MAX_ANSWER_LENGTH} are taken`,
      );
    }
    this.#total = total;
  }

  /** The length of the whole, in UTF-16 units of JSON. */
  get total(): number {
    return this.#total;
  }

  /** How much has come. */
  get length(): number {
    return this.#length;
  }

  /** How many parts have come. */
  get taken(): number {
    return this.#texts.length;
  }

  /** Whether all of it has come. */
  get complete(): boolean {
    return this.#length === this.#total;
  }

  /**
   * Takes the next part.
   *
   * @param index Its place: the parts of one answer come in order.
   * @param total The length of the whole.
   * @param text The part.
   * @returns Whether it is the next one; `false` when one before it was lost, or it is none of this answer.
   */
  add(index: number, total: number, text: string): boolean {
    const fits = index === this.#texts.length && total === this.#total && text.length > 0 &&
      this.#length + text.length <= total;
    if (fits) {
      this.#texts.push(text);
      this.#length += text.length;
    }
    return fits;
  }

  /** The whole. */
  join(): string {
    return this.#texts.join("");
  }
}
