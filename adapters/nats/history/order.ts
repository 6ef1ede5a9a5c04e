/**
 * Which messages of a subject count. A stream with replicas may store and confirm two writes that expect the same newest
 * message: the server compares before its replicas have agreed on an order. So the order in the stream decides. A
 * message counts if no other message of its subject is between it and the one that its writer expected. This never
 * changes, and every node finds the same.
 *
 * Removals must not change it either: the oldest message that stays is one that counts.
 *
 * @module
 */

import { fromBase64 } from "../../../contract/mod.ts";
import { decodeBatch } from "./batch.ts";
import { RefusedError } from "./errors.ts";
import type { Stored } from "./stored.ts";

/** The header for the number of the newest message of the subject, as the writer knows it. */
export const EXPECTED = "Nats-Expected-Last-Subject-Sequence";
/** The header of a published message for the number of the message before it on its subject. */
const BEFORE = "Nats-Last-Sequence";
/** Messages may be removed while others are looked for. Then the search begins again, at most this many times. */
const MAX_ATTEMPTS = 10;

const decoder = new TextDecoder();

/** The newest message of a subject. */
export interface Newest {
  /** The newest message that counts. */
  readonly stored: Stored;
  /** The number of the newest message, whether it counts or not. The next write must expect this number. */
  readonly last: number;
}

/** The stream's leader. */
export interface Leader {
  /** The newest message of a subject. */
  last(subject: string): Promise<Stored | undefined>;
  /** The first message of a subject with this number or a higher one. */
  next(seq: number, subject: string): Promise<Stored | undefined>;
}

/** The number that a message expected; a message without a number counts. */
function expectedBy({ headers }: Stored): number {
  if (!headers) return Infinity;
  const found = /^Nats-Expected-Last-Subject-Sequence: *(\d+)/im.exec(decoder.decode(fromBase64(headers)));
  return found ? Number(found[1]) : Infinity;
}

/**
 * Whether a message counts.
 *
 * @param stored The message.
 * @param before The number of the message before it on its subject.
 */
export function counts(stored: Stored, before: number): boolean {
  return before <= expectedBy(stored);
}

/**
 * What the headers of a message that the server has published say about its order.
 *
 * @param headers The headers.
 * @returns The number of the message before it, if it does not count; else `undefined`.
 */
export function lateAfter(headers: { get(name: string): string } | undefined): number | undefined {
  const [before, expected] = [headers?.get(BEFORE), headers?.get(EXPECTED)];
  return before && expected && Number(before) > Number(expected) ? Number(before) : undefined;
}

/**
 * Whether a message counts that was just written: whether it is the first after the one that its writer expected.
 *
 * @param leader The stream's leader.
 * @param subject The subject.
 * @param expected The number that the writer expected.
 * @param seq The number of the message.
 * @throws {RefusedError} If this cannot be known.
 */
export async function isFirstAfter(
  leader: Leader,
  subject: string,
  expected: number,
  seq: number,
): Promise<boolean> {
  const first = await leader.next(expected + 1, subject);
  if (first && first.seq <= seq) return first.seq === seq;
  // It is removed already, because there are newer ones. The next one lists those that count.
  const { earlier = [] } = first && decodeBatch(first.data) || {};
  if (earlier.some((batch) => batch.seq === seq)) return true;
  if (first && expectedBy(first) >= seq && (earlier.at(-1)?.seq ?? Infinity) < seq) return false;
  throw new RefusedError("the stream's leader has removed it already, or does not have it yet");
}

/**
 * Finds the newest message of a subject that counts.
 *
 * @param leader The stream's leader.
 * @param subject The subject.
 * @param isKnown Whether a message with this number is known to count.
 */
export async function newestInOrder(
  leader: Leader,
  subject: string,
  isKnown?: (seq: number) => boolean,
): Promise<Newest | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const last = await leader.last(subject);
    if (!last || isKnown?.(last.seq)) return last && { stored: last, last: last.seq };
    for (let top = last;;) {
      const from = expectedBy(top);
      if (from >= top.seq) return { stored: top, last: last.seq }; // no hub has written it
      const between = await messages(leader, subject, from, top.seq);
      if (!between) break;
      const found = between.findLast((stored, i) => counts(stored, between[i - 1]?.seq ?? from));
      if (found) return { stored: found, last: last.seq };
      const before = from === 0 ? undefined : await leader.next(from, subject);
      if (before?.seq !== from) {
        if ((await leader.last(subject))?.seq !== last.seq) break; // newer ones have come, and it was removed
        return { stored: between[0]!, last: last.seq }; // somebody else has removed it
      }
      top = before;
    }
  }
  throw new RefusedError("messages of its subject are removed again and again");
}

/** The messages after a number up to another number; `undefined` if the last of them is gone. */
async function messages(
  leader: Leader,
  subject: string,
  after: number,
  to: number,
): Promise<Stored[] | undefined> {
  const found: Stored[] = [];
  for (let from = after + 1; from <= to;) {
    const stored = await leader.next(from, subject);
    if (!stored || stored.seq > to) return undefined;
    found.push(stored);
    from = stored.seq + 1;
  }
  return found;
}
