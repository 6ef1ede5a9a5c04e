/**
 * Finds where a stream continues when its store has begun a new epoch. The new epoch may contain messages that were
 * delivered in the epoch before, at the same offsets. They must not be delivered again. See
 * docs/decisions/0052-where-a-new-epoch-goes-on.md.
 *
 * @module
 */

import type { StoredPage, StoredRecord } from "../../../adapters/history_store.ts";
import { HubError, type Position } from "../../../contract/mod.ts";
import { isPromise } from "../../backplane/deadline.ts";

/**
 * How far the store's clocks before and after the new epoch may differ, in milliseconds. Ages depend on these clocks.
 */
const CLOCKS_APART_MS = 1_000;
/** How many records one read returns. */
const PAGE = 64;

/** What is known about the messages that were delivered before. */
export interface Heard {
  /** Messages up to this offset may have been delivered in the epoch before. Later ones were not. */
  readonly upTo: number;
  /** Like {@linkcode Heard.upTo}, for all earlier epochs, because a replaced server may have come back. */
  readonly farthest: number;
  /** When the last message was delivered, by the clock. */
  readonly at: number;
  /** The first offset of a live message in the new epoch; `Infinity` without one. */
  readonly live: number;
  /** The data that was delivered at an offset, if it is remembered. */
  data(offset: number): string | undefined;
  /**
   * The message of a record, for subscribers.
   *
   * @throws When it does not fit the contract.
   */
  message(record: StoredRecord): { readonly data: string };
}

/** A page, and the time of its request, by the clock. */
export interface DatedPage {
  readonly page: StoredPage;
  readonly asked: number;
}

/**
 * Finds the offset after which all messages are new. A message is new when it differs from the delivered message at its
 * offset, when it arrived live, or when it is too young. All messages after a new one are new too. If the node cannot
 * tell whether a message is new, it counts as delivered.
 *
 * @param dated The first page of the new epoch.
 * @param heard What is known about the delivered messages.
 * @param read Reads another page of the new epoch.
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

  /** Searches backwards from the end, because new messages are at the end and there may be many before them. */
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

/** The offset before the first new record of a page, up to `upTo`; `upTo` if none is new. */
function newAfter({ page: { records }, asked }: DatedPage, heard: Heard, upTo: number): number {
  const first = records.find((record) => record.offset <= upTo && isNew(record, heard, asked));
  return first ? first.offset - 1 : upTo;
}

function isNew(record: StoredRecord, heard: Heard, asked: number): boolean {
  const { ageMs, offset } = record;
  // The store measured the age after the request, so the record is at least this much younger.
  const youngerBy = ageMs === undefined ? 0 : asked - heard.at - ageMs;
  if (youngerBy > CLOCKS_APART_MS) return true;
  if (youngerBy < -CLOCKS_APART_MS) return false; // a difference then comes from an earlier epoch
  if (offset > heard.upTo) return true;
  // A live message at a known offset may be an old one that was published again with its id.
  const live = heard.data(heard.live) === undefined ? heard.live : Infinity;
  return differs(record, heard) ?? offset >= live;
}

/** Whether a record differs from the message that was delivered at its offset; `undefined` when this is not known. */
function differs(record: StoredRecord, heard: Heard): boolean | undefined {
  const data = heard.data(record.offset);
  if (data === undefined) return undefined;
  if (data === record.data) return false;
  try {
    // The schema may change data, so different data does not prove that the message is another one.
    return heard.message(record).data === record.data || undefined;
  } catch {
    return undefined;
  }
}

/** The error for a message of an epoch that the store does not have. */
export function strangeEpoch(channel: string, store: string, epoch: string, present: string): HubError {
  return new HubError(
    "UNAVAILABLE",
    `Cannot deliver a message on "${channel}": its epoch is ${epoch}, that of ${store} is ${present}. Give every ` +
      "node of the cluster the same history",
  );
}
