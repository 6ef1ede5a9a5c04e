/**
 * Answers between nodes that are larger than one message of the adapter. The sender cuts them, the asker joins the
 * parts. See docs/decisions/0025-large-answers-in-parts.md.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";

/** The size limit of an answer between nodes, in UTF-16 units of its JSON. */
export const MAX_ANSWER_LENGTH = 32 * 1024 * 1024;
/** How many parts may be sent without a confirmation from the asker. */
export const PARTS_UNDER_WAY = 4;

/** The overhead of a part, in bytes at most: its kind, three numbers, brackets, a cut surrogate at each end. */
const OVERHEAD_BYTES = 128;

/**
 * Calculates how much of an answer fits into one part.
 *
 * @param maxMessageBytes The adapter's limit for a message.
 * @returns The length in UTF-16 units of JSON. Each takes at most 3 bytes when it is encoded in JSON again. Below 2,
 * parts cannot be sent.
 */
export function partLength(maxMessageBytes: number): number {
  return Math.floor((maxMessageBytes - OVERHEAD_BYTES) / 3);
}

/** Collects the parts of one answer of one node. */
export class AnswerParts {
  readonly #total: number;
  readonly #texts: string[] = [];
  #length = 0;

  /**
   * @param total The length of the whole answer, as the sender says.
   * @throws {HubError} `TOO_LARGE`.
   */
  constructor(total: number) {
    if (total > MAX_ANSWER_LENGTH) {
      throw new HubError(
        "TOO_LARGE",
        `Cannot take an answer of ${total} characters: the limit is ${MAX_ANSWER_LENGTH}`,
      );
    }
    this.#total = total;
  }

  /** The length of the whole answer, in UTF-16 units of JSON. */
  get total(): number {
    return this.#total;
  }

  /** The length of the parts that have arrived. */
  get length(): number {
    return this.#length;
  }

  /** How many parts have arrived. */
  get taken(): number {
    return this.#texts.length;
  }

  /** Whether all parts have arrived. */
  get complete(): boolean {
    return this.#length === this.#total;
  }

  /**
   * Takes the next part.
   *
   * @param index Its number: the parts of one answer arrive in order.
   * @param total The length of the whole answer.
   * @param text The part.
   * @returns `false` when an earlier part was lost, or the part is not of this answer.
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

  /** The whole answer. */
  join(): string {
    return this.#texts.join("");
  }
}
