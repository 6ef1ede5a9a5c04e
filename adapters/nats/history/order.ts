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

/** The header for the number of the newest message of the subject, as the writer knows it. The server compares it. */
export const EXPECTED = "Nats-Expected-Last-Subject-Sequence";
/** The same for servers that must not compare it; see `numbersApart`. */
export const UNCOMPARED = "Trunkline-Expected-Sequence";
/** The header of a published message for the number of the message before it on its subject. */
const BEFORE = "Nats-Last-Sequence";
/** Messages may be removed while others are looked for. Then the search begins again, at most this many times. */
const MAX_ATTEMPTS = 10;

const HEADER = new RegExp(`^(?:${EXPECTED}|${UNCOMPARED}): *(\\d+)`, "im");

const decoder = new TextDecoder();

/** The newest message of a subject. */
export interface Newest {
  /** The newest message that counts. */
  readonly stored: Stored;
  /** The number of the newest message, whether it counts or not. The next write must expect this number. */
  readonly last: number;
}

/** What a node knows from before. */
export interface Seen {
  /** The number of the newest message that counted. */
  readonly newest: number;
  /** The number of the newest message. */
  readonly seq: number;
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
  const found = HEADER.exec(decoder.decode(fromBase64(headers)));
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

/** What is before a message that the server has published. */
export interface Preceded {
  /** The number of the message before it on its subject. */
  readonly before: number;
  /** Whether the message does not count. */
  readonly isLate: boolean;
  /** Whether the message is gone that its writer expected. */
  readonly isAlone: boolean;
}

/**
 * What the headers of a message that the server has published say about its order.
 *
 * @param headers The headers.
 * @returns `undefined` if they say nothing.
 */
export function precedence(headers: { get(name: string): string } | undefined): Preceded | undefined {
  const [before, expected] = [headers?.get(BEFORE), headers?.get(EXPECTED) || headers?.get(UNCOMPARED)].map(
    (text) => text ? Number(text) : NaN,
  ) as [number, number];
  return before >= 0 && expected >= 0
    ? { before, isLate: before > expected, isAlone: before < expected }
    : undefined;
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
 * @param seen What is known from before. It saves requests if many messages do not count.
 */
export async function newestInOrder(
  leader: Leader,
  subject: string,
  isKnown?: (seq: number) => boolean,
  seen?: Seen,
): Promise<Newest | undefined> {
  for (let attempt = 0, highest = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const last = await leader.last(subject);
    if ((last?.seq ?? 0) < highest) throw notYet(highest);
    highest = last?.seq ?? 0;
    if (!last || isKnown?.(last.seq)) return last && { stored: last, last: last.seq };
    for (let top = last;;) {
      const from = expectedBy(top);
      if (from >= top.seq) return { stored: top, last: last.seq }; // no hub has written it
      const between = await messages(leader, subject, from, top.seq);
      if (!between) break;
      const found = between.findLast((stored, i) => counts(stored, between[i - 1]?.seq ?? from));
      if (found) return { stored: found, last: last.seq };
      const known = seen && from <= seen.seq && await leader.next(seen.newest, subject);
      if (known && known.seq === seen.newest) return { stored: known, last: last.seq };
      const before = from === 0 ? undefined : await leader.next(from, subject);
      if (from > 0 && !before) break; // the leader is another one, and does not have the newest one yet
      if (before?.seq !== from) {
        if ((await leader.last(subject))?.seq !== last.seq) break; // newer ones have come, and it was removed
        return { stored: between[0]!, last: last.seq }; // somebody else has removed it
      }
      top = before;
    }
  }
  throw new RefusedError("messages of its subject are removed again and again");
}

/**
 * The error if the stream's leader does not have a message that was there. A new leader may be behind for a moment.
 *
 * @param seq The number of the message.
 */
export function notYet(seq: number): RefusedError {
  return new RefusedError(
    `the stream's leader does not have message ${seq}, which was there: it may not have everything yet`,
  );
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
