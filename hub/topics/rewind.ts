/**
 * Where a subscriber begins that asks for the newest messages of a history, by number or by time.
 *
 * @module
 */

import type { ReadOptions, StoredPage } from "../../adapters/history_store.ts";
import { HubError, type Position, type Start } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";
import type { Histories, HistoryTopic } from "./histories.ts";

/**
 * Finds the position before the first message that is asked for.
 *
 * @param histories Where the messages are.
 * @param topic The topic.
 * @param start What is asked for: `last` or `withinMs`.
 * @returns The position. What comes right after it may be kept no more by the time that it is read.
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

/** Looks for the first message that is young enough: half of what is left, and half of that, one record at a time. */
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
  // What is before `old` is too old, what is from `young` on is not.
  let old = oldest.offset, young = isYoung(oldest) ? oldest.offset : last + 1;
  while (old < young) {
    const middle = Math.floor((old + young) / 2);
    const { complete, records: [record] } = await read({ since: [epoch, middle - 1], limit: 1 });
    // Not complete: it is gone by now, so it was old; or the epoch is, and whoever reads on from here sees that.
    if (complete && record && isYoung(record)) young = middle;
    else old = middle + 1;
  }
  return [epoch, young - 1];
}
