/**
 * A new listener of a live stream may want earlier messages. It reads them page by page, until it has everything that
 * the other listeners have.
 *
 * @module
 */

import type { HistoryAnswer, HistoryAsk, Position } from "../../contract/mod.ts";
import type { TopicListener } from "./subscription.ts";

/** How many empty pages in a row are allowed although messages are left. After that the listener gives up. */
const MAX_EMPTY = 5;

/** The stream that a listener catches up with. */
export interface Replayed {
  /** The stream's position. `undefined` if the stream is not live, or if the listener has left. */
  position(member: TopicListener): Position | undefined;
  /** Reads a page. */
  read(ask: HistoryAsk): Promise<HistoryAnswer>;
  /** Gives one message to one listener. Returns whether the message could be read. */
  hand(member: TopicListener, epoch: string, offset: number, payload: unknown): boolean;
  /**
   * Ends the reading, in the step that finds out that it is over. One step later, the stream may have gone on.
   *
   * @param member The listener.
   * @param after The last offset that the listener has. Absent if it does not join the stream now: the listener has left,
   * or reads again when the stream is live.
   * @param recovered Whether no message is missing.
   */
  end(member: TopicListener, after?: number, recovered?: boolean): void;
}

/**
 * Gives a listener the earlier messages that it wants. It gets no other messages meanwhile.
 *
 * @param member The listener. Its start moves on with each page.
 * @param stream The stream that it listens to.
 * @returns Rejects when a page cannot be read. Then `end` was not called.
 */
export async function replay(member: TopicListener, stream: Replayed): Promise<void> {
  let whole = true;
  for (let empty = 0; empty < MAX_EMPTY;) {
    const { position: [epoch, last], complete, records } = await stream.read(member.start!);
    let position = stream.position(member);
    if (!position) return stream.end(member);
    if (!complete || epoch !== position[0]) break;
    for (const [offset, payload] of records) {
      whole = stream.hand(member, epoch, offset, payload) && whole;
    }
    const reached = records.at(-1)?.[0] ?? member.start!.since?.[1] ?? last;
    member.start = { since: [epoch, reached] };
    position = stream.position(member); // a listener may have changed it
    if (!position) return stream.end(member);
    if (reached >= position[1]) return stream.end(member, reached, whole);
    if (records.length === 0) empty++;
  }
  stream.end(member, 0, false);
}
