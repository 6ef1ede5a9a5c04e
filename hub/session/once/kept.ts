/**
 * What a store keeps of a request that is done once: who has claimed it, that it is still being done, and what became of it. Any may be over before the
 * others: so all say of which input they are.
 *
 * @module
 */

import type { StoredRecord } from "../../../adapters/history_store.ts";
import { readOutcome } from "./outcome.ts";

/** Who does a request. */
export interface Claim {
  /** Its place among what is kept. */
  readonly offset: number;
  /** The node. */
  readonly by: string;
  /** See `Claimed.print`. */
  readonly print: string;
}

/** What became of it. */
export interface Answer {
  /** Its place among what is kept. */
  readonly offset: number;
  /** See `Claimed.print`. */
  readonly print: string;
  /** As `writeOutcome` writes it. */
  readonly text: string;
}

/** What is kept of one request. */
export interface Kept {
  /** The claim that counts: the newest one that was renewed, or the first. */
  readonly claim: Claim | undefined;
  /** The newest claim, which may have come too late. */
  readonly last: Claim | undefined;
  /** The newest answer. */
  readonly answer: Answer | undefined;
}

/** Writes a claim. */
export function writeClaim(by: string, print: string): string {
  return `claim ${print} ${by}`;
}

/** Writes that the request is still being done: whoever claims it from then on is too late. */
export function writeRenewal(by: string, print: string): string {
  return `hold ${print} ${by}`;
}

/** Writes an answer. */
export function writeAnswer(print: string, text: string): string {
  return `answer ${print} ${text}`;
}

/**
 * Reads what is kept.
 *
 * @throws {SyntaxError} When something of it was written by no hub.
 */
export function readKept(records: readonly StoredRecord[]): Kept {
  let first: Claim | undefined,
    last: Claim | undefined,
    renewed: Claim | undefined,
    answer: Answer | undefined;
  for (const { offset, data } of records) {
    const [, kind, print, text] = /^(claim|hold|answer) ([^ ]+) (.+)$/s.exec(data) ?? [];
    if (kind === "claim") {
      last = { offset, print: print!, by: text! };
      first ??= last;
    } else if (kind === "hold") renewed = { offset, print: print!, by: text! };
    else answer = { offset, print: print!, text: checked(text) };
  }
  // A claim that came later may outlive those before it, and was too late nevertheless.
  return { claim: renewed ?? first, last, answer };
}

function checked(text = ""): string {
  try {
    readOutcome(text);
    return text;
  } catch (cause) {
    const what =
      "Cannot read which requests were done: the store contains an entry that was not written by a hub";
    throw new SyntaxError(what, { cause });
  }
}
