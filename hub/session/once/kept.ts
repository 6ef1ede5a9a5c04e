/**
 * What a store keeps of a request that is done once: which node claimed it, that it is still being done, and its
 * answer. Each entry may expire before the others, so each one names its input.
 *
 * @module
 */

import type { StoredRecord } from "../../../adapters/history_store.ts";
import { readOutcome } from "./outcome.ts";

/** A node's claim to do a request. */
export interface Claim {
  /** Its offset in the store's channel. */
  readonly offset: number;
  /** The id of the node. */
  readonly by: string;
  /** See `Claimed.print`. */
  readonly print: string;
}

/** The answer to a request. */
export interface Answer {
  /** Its offset in the store's channel. */
  readonly offset: number;
  /** See `Claimed.print`. */
  readonly print: string;
  /** The outcome, as `writeOutcome` writes it. */
  readonly text: string;
}

/** The stored entries of one request. */
export interface Kept {
  /** The claim that counts: the newest one that was renewed, otherwise the first. */
  readonly claim: Claim | undefined;
  /** The newest claim. It may have come too late. */
  readonly last: Claim | undefined;
  /** The newest answer. */
  readonly answer: Answer | undefined;
}

/** Writes a claim. */
export function writeClaim(by: string, print: string): string {
  return `claim ${print} ${by}`;
}

/** Writes that the request is still being done: every later claim is too late. */
export function writeRenewal(by: string, print: string): string {
  return `hold ${print} ${by}`;
}

/** Writes an answer. */
export function writeAnswer(print: string, text: string): string {
  return `answer ${print} ${text}`;
}

/**
 * Reads the stored entries.
 *
 * @throws {SyntaxError} When one of them does not come from a hub.
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
  // A later claim may live longer than the first, but it was still too late.
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
