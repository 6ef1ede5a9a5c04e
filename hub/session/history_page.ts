/**
 * One page of a history for a client: as many messages as fit into one answer.
 *
 * @module
 */

import type { ReadOptions, StoredPage } from "../../adapters/history_store.ts";
import { type HistoryAsk, HubError } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { Histories, HistoryTopic } from "../topics/histories.ts";
import { readRecord } from "../topics/record.ts";
import { rewound } from "../topics/rewind.ts";

/** How many records the first read takes, when their size is not known yet. */
export const FIRST_PAGE = 16;
/** How many records a page has at most. */
export const MAX_PAGE = 512;
/** How much text a page should have, in UTF-16 units. A single record may be longer. */
export const PAGE_LENGTH = 64 * 1024;

/** A page, and whether there is more of what the client asked for. */
interface Page extends StoredPage {
  readonly more: boolean;
}

/**
 * Reads a page.
 *
 * @param histories The histories.
 * @param topic The topic.
 * @param ask The question of the client.
 * @returns The page; rejects when the store does not answer.
 */
export async function readPage(
  histories: Histories,
  topic: HistoryTopic,
  ask: HistoryAsk,
): Promise<Page> {
  const { limit = Infinity, reverse } = ask;
  const rewinds = ask.last !== undefined || ask.withinMs !== undefined;
  const since = rewinds ? await rewound(histories, topic, ask) : ask.since;
  const read = async (most: number): Promise<StoredPage> => {
    const options: ReadOptions = { since, limit: Math.min(limit, most), reverse };
    const page = since && !reverse ? histories.resume(topic, options) : histories.read(topic, options);
    return isPromise(page) ? await page : page;
  };
  let size = FIRST_PAGE;
  let page = await read(size);
  if (page.records.length === size && limit > size && pageSize(page) > size) {
    size = pageSize(page);
    page = await read(size);
  }
  const records = page.records.slice(0, fitting(page));
  const { position } = page;
  const isCut = records.length < page.records.length;
  const isLast = reverse
    ? !isCut && records.length < size
    : (records.at(-1)?.offset ?? position[1]) === position[1];
  // A rewind asks only for messages that are still kept.
  const complete = page.complete || rewinds && since![0] === position[0];
  return { position, complete, records, more: !isLast && records.length < limit };
}

/** How many records a page may have, if all are as large as these. */
export function pageSize({ records }: StoredPage): number {
  const length = records.reduce((sum, { data }) => sum + data.length, 0);
  const average = Math.max(1, length / Math.max(1, records.length));
  return Math.max(1, Math.min(MAX_PAGE, Math.floor(PAGE_LENGTH / average)));
}

/** How many of the records fit into a page. */
function fitting({ records }: StoredPage): number {
  let length = 0;
  const tooMuch = records.findIndex(({ data }, i) => (length += data.length) > PAGE_LENGTH && i > 0);
  return tooMuch < 0 ? records.length : tooMuch;
}

/**
 * Answers with a page.
 *
 * @param id The id of the client's question.
 * @param histories The histories.
 * @param topic The topic.
 * @param page The page.
 * @throws {HubError} `INTERNAL` when a record does not fit the contract of this node.
 */
export function pageMessage(
  id: number,
  histories: Histories,
  topic: HistoryTopic,
  page: Page,
): OutgoingMessage {
  const { position, complete, more } = page;
  const records = page.records.map((record) => ({ offset: record.offset, text: textOf(record) }));
  return new OutgoingMessage(
    () => ["res", id, {
      position,
      complete,
      records: records.map(({ offset, text }) => text === "" ? [offset] : [offset, readRecord(text)]),
      ...(more && { more }),
    }],
    undefined,
    () => {
      const list = records.map(({ offset, text }) => text === "" ? `[${offset}]` : `[${offset},${text}]`);
      const rest = more ? `,"more":true` : "";
      return `["res",${id},{"position":${
        JSON.stringify(position)
      },"complete":${complete},"records":[${list}]${rest}}]`;
    },
  );

  function textOf(record: StoredPage["records"][number]): string {
    try {
      return histories.text(topic, record);
    } catch (cause) {
      const what = `Cannot read the history of "${topic.name}": message ${record.offset} does not fit`;
      throw new HubError("INTERNAL", `${what} the contract`, { cause });
    }
  }
}
