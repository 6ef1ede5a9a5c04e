/**
 * Where a stream goes on when its store has begun a new epoch: what it keeps in it may have been delivered in the epoch
 * before, at the same offsets, and nobody hears that again. See docs/decisions/0052-where-a-new-epoch-goes-on.md.
 *
 * @module
 */

import type { StoredPage, StoredRecord } from "../../../adapters/history_store.ts";
import type { Position } from "../../../contract/mod.ts";
import { isPromise } from "../../backplane/deadline.ts";

/** How far the clocks may be apart by which a store tells the ages of messages before and after, in milliseconds. */
const CLOCKS_APART_MS = 1_000;
/** How many records are read at once. */
const PAGE = 64;

/** What is known of those that were heard before. */
export interface Heard {
  /** What comes after this offset was not heard in the epoch before. What comes up to there may have been. */
  readonly upTo: number;
  /** As {@linkcode Heard.upTo}, in those before that: a server that was replaced may have come back. */
  readonly farthest: number;
  /** When the last of them was heard, by the clock. */
  readonly at: number;
  /** From which offset on live messages have come in the new epoch; `Infinity` when none has. */
  readonly live: number;
  /** What was heard at an offset, if that is remembered. */
  data(offset: number): string | undefined;
  /**
   * What subscribers are sent of a record.
   *
   * @throws When it does not fit the contract.
   */
  message(record: StoredRecord): { readonly data: string };
}

/** A page, and when it was asked for, by the clock. */
export interface DatedPage {
  readonly page: StoredPage;
  readonly asked: number;
}

/**
 * Finds the offset after which nothing has been heard for certain. A message is new when it differs from what was heard at
 * its offset, when it came live, or when it is too young; and with it all that come after it. When in doubt it was heard.
 *
 * @param dated The first page of the new epoch.
 * @param heard What was heard before.
 * @param read Reads another page of it.
 * @returns The offset; `undefined` when the store has changed meanwhile.
 */
export function unheardAfter(
  dated: DatedPage,
  heard: Heard,
  read: (since: Position, limit: number) => DatedPage | Promise<DatedPage>,
): number | undefined | Promise<number | undefined> {
  const { position: [epoch, last], records } = dated.page;
  const upTo = Math.min(last, Math.max(heard.upTo, heard.farthest));
  const start = newAfter(dated, heard, upTo);
  if (start < upTo) return start;
  const end = records.at(-1)?.offset ?? last;
  return end < upTo ? lookBack() : upTo;

  /** What is new is at the end, and there may be far more before it. */
  async function lookBack(): Promise<number | undefined> {
    for (let start = upTo; start > end;) {
      const since = Math.max(end, start - PAGE);
      const answer = read([epoch, since], start - since);
      const dated: DatedPage = isPromise(answer) ? await answer : answer;
      if (!dated.page.complete) return undefined;
      const before = newAfter(dated, heard, start);
      if (before === start || before > since) return before;
      start = since;
    }
    return end;
  }
}

/** The offset before the first record of a page that is new; the given one when none is, up to there. */
function newAfter({ page: { records }, asked }: DatedPage, heard: Heard, upTo: number): number {
  const first = records.find((record) => record.offset <= upTo && isNew(record, heard, asked));
  return first ? first.offset - 1 : upTo;
}

function isNew(record: StoredRecord, heard: Heard, asked: number): boolean {
  const { ageMs, offset } = record;
  // The page was read later than it was asked for: so it is younger by then than it says.
  const youngerBy = ageMs === undefined ? 0 : asked - heard.at - ageMs;
  if (youngerBy > CLOCKS_APART_MS) return true;
  if (youngerBy < -CLOCKS_APART_MS) return false; // what differs is of an epoch before
  if (offset > heard.upTo) return true;
  const live = heard.data(heard.live) === undefined ? heard.live : Infinity; // or published again with its id
  return differs(record, heard) ?? offset >= live;
}

/** Whether a record has other data than what was heard at its offset; `undefined` when nobody knows. */
function differs(record: StoredRecord, heard: Heard): boolean | undefined {
  const data = heard.data(record.offset);
  if (data === undefined) return undefined;
  if (data === record.data) return false;
  try {
    // What a schema that changes what it takes has made of it before is not known.
    return heard.message(record).data === record.data || undefined;
  } catch {
    return undefined;
  }
}
