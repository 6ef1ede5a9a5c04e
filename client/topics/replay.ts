/**
 * A listener of a stream that is live already is sent what the others have had: by pages that it reads, until it has what
 * they have.
 *
 * @module
 */

import type { HistoryAnswer, HistoryAsk, Position } from "../../contract/mod.ts";
import type { TopicListener } from "./subscription.ts";

/** How many pages in a row may bring nothing though there is something, before a listener does without. */
const MAX_EMPTY = 5;

/** The stream that a listener is to catch up with. */
export interface Replayed {
  /** Where the stream stands, while it is live and the listener has not left. */
  position(member: TopicListener): Position | undefined;
  /** Reads a page. */
  read(ask: HistoryAsk): Promise<HistoryAnswer>;
  /** Hands one message to one listener; tells whether it could be read. */
  hand(member: TopicListener, epoch: string, offset: number, payload: unknown): boolean;
}

/**
 * Hands a listener what it wants of the history. It hears nothing else meanwhile.
 *
 * @param member The listener; where it begins moves on with each page.
 * @param stream What it listens to.
 * @returns Up to where it has heard all by now, and whether all of it; `undefined` when that has to be done again as the
 * stream is not live, or when the listener has left.
 */
export async function replay(
  member: TopicListener,
  stream: Replayed,
): Promise<readonly [after: number, recovered: boolean] | undefined> {
  let whole = true;
  for (let empty = 0; empty < MAX_EMPTY;) {
    const { position: [epoch, last], complete, records } = await stream.read(member.start!);
    let position = stream.position(member);
    if (!position) return undefined;
    if (!complete || epoch !== position[0]) break;
    for (const [offset, payload] of records) {
      whole = stream.hand(member, epoch, offset, payload) && whole;
    }
    const reached = records.at(-1)?.[0] ?? member.start!.since?.[1] ?? last;
    member.start = { since: [epoch, reached] };
    position = stream.position(member); // a listener does anything
    if (!position) return undefined;
    if (reached >= position[1]) return [reached, whole];
    if (records.length === 0) empty++;
  }
  return [0, false];
}
