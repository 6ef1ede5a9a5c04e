/**
 * Finds the start for a subscriber that asks for the newest messages of a history, by number or by time.
 *
 * @module
 */

import type { ReadOptions, StoredPage } from "../../adapters/history_store.ts";
import { HubError, type Position, type Start } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";
import type { Histories, HistoryTopic } from "./histories.ts";

/**
 * Finds the position before the first message that the subscriber asked for.
 *
 * @param histories The histories.
 * @param topic The topic.
 * @param start The start that the subscriber asked for: `last` or `withinMs`.
 * @returns The position. By the time of the read, the message after it may no longer be kept.
 * @throws {HubError} `UNAVAILABLE` when the store does not tell how old messages are.
 */
export async function rewound(histories: Histories, topic: HistoryTopic, start: Start): Promise<Position> {
  const read = async (options: ReadOptions): Promise<StoredPage> => {
    const page = histories.read(topic, options);
    return isPromise(page) ? await page : page;
  };
  if (start.last === undefined) return await before(read, topic, start.withinMs!);
  const { position: [epoch, last] } = await read({ limit: 0 });
  return [epoch, Math.max(0, last - Math.min(start.last, topic.history.size))];
}

/** Finds the first message that is young enough, by a binary search that reads one record at a time. */
async function before(
  read: (options: ReadOptions) => Promise<StoredPage>,
  topic: HistoryTopic,
  withinMs: number,
): Promise<Position> {
  const { position: [epoch, last], records: [oldest] } = await read({ limit: 1 });
  if (!oldest) return [epoch, last];
  const isYoung = ({ ageMs }: { readonly ageMs?: number }) => {
    if (ageMs !== undefined) return ageMs <= withinMs;
    const text = `Cannot begin "${topic.name}" by time: its store does not tell how old messages are`;
    throw new HubError("UNAVAILABLE", `${text}. Ask for a number of messages: rewind { last }`);
  };
  // Records before `old` are too old. Records from `young` on are young enough.
  let old = oldest.offset, young = isYoung(oldest) ? oldest.offset : last + 1;
  while (old < young) {
    const middle = Math.floor((old + young) / 2);
    const { complete, records: [record] } = await read({ since: [epoch, middle - 1], limit: 1 });
    // Not complete: the record is no longer kept, so it was old. Or the epoch has ended, which the next read notices.
    if (complete && record && isYoung(record)) young = middle;
    else old = middle + 1;
  }
  return [epoch, young - 1];
}
