/**
 * A message of a history as the other nodes get it. The script that keeps the message publishes it on the channel of
 * the topic, next to the messages of hubs.
 *
 * It is `TLH1`, the length of the sender's id in UTF-16 units, `:`, and the id. Redis adds the epoch, a space, the
 * offset, a space, and the data.
 *
 * @module
 */

import type { Position } from "../../../../contract/mod.ts";
import { readUtf8, startsWith } from "../../../../contract/values/bytes.ts";
import type { AdapterData } from "../../../adapter.ts";

/** The content of a frame. */
export interface HistoryFrame {
  readonly from: string;
  readonly position: Position;
  readonly data: string;
}

const MARK = "TLH1";
const MARK_BYTES = new TextEncoder().encode(MARK);
const HEAD = /^TLH1(\d{1,4}):/;
const PLACE = /([^ ]{1,64}) ([1-9]\d{0,15}) /y;

/** The error for nodes that get messages of a store that they do not use. */
export const NOT_SHARED =
  "Ignored a message of a shared history (give every node of the cluster the same history)";

/** The part before the epoch. */
export function frameHead(from: string): string {
  return `${MARK}${from.length}:${from}`;
}

/** Whether data is a frame, and not an envelope. */
export function isHistoryFrame(raw: AdapterData): raw is Uint8Array<ArrayBuffer> {
  return typeof raw !== "string" && startsWith(raw, MARK_BYTES);
}

/**
 * Reads a frame that Redis has published.
 *
 * @param raw The data that has arrived.
 * @returns `undefined` if the data does not come from our script.
 */
export function readHistoryFrame(raw: Uint8Array<ArrayBuffer>): HistoryFrame | undefined {
  try {
    const text = readUtf8(raw);
    const head = HEAD.exec(text);
    if (!head) return undefined;
    const start = head[0].length;
    PLACE.lastIndex = start + Number(head[1]);
    const place = PLACE.exec(text);
    if (!place || PLACE.lastIndex > text.length) return undefined;
    const from = text.slice(start, start + Number(head[1]));
    return { from, position: [place[1]!, Number(place[2])], data: text.slice(PLACE.lastIndex) };
  } catch {
    return undefined; // not UTF-8
  }
}
