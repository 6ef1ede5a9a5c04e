/**
 * Up to which offset the subscribers of a stream have got messages, in the present epoch and in earlier ones.
 *
 * @module
 */

import type { StoredPage } from "../../../adapters/history_store.ts";
import type { Position } from "../../../contract/mod.ts";

/**
 * The offset, in the epoch of a page, up to which a client counts as having all messages once it gets the page. A client
 * from another epoch may have everything that the store has. Clients can make up positions, so the store must know them.
 *
 * @param since The client's position.
 * @param page The page that it gets.
 */
export function hadUpTo([epoch, offset]: Position, { position, complete, records }: StoredPage): number {
  if (complete) return records.at(-1)?.offset ?? offset;
  if (epoch !== position[0]) return position[1];
  return offset <= position[1] ? offset : 0;
}

/** The delivered offsets of one stream. */
export class HeardSoFar {
  /** When a subscriber last got a message, by the clock. */
  at = 0;
  /** The highest offset of this epoch that a subscriber got from a read of the store. It may be ahead of the stream. */
  shown = 0;
  /** The last delivered position in the epoch before; `undefined` in the first epoch. */
  left: Position | undefined;
  /** The highest delivered offset in all earlier epochs. */
  farthest = 0;
  #atBefore = 0;

  /**
   * A subscriber got messages from a read of the store.
   *
   * @param upTo Up to which offset.
   * @param offset The stream's offset.
   * @param now The time, by the clock.
   */
  show(upTo: number, offset: number, now: number): void {
    if (upTo <= Math.max(offset, this.shown)) return;
    this.shown = upTo;
    this.at = now;
  }

  /** Ends an epoch, at the stream's last position in it. */
  leave([epoch, offset]: Position): void {
    this.left = [epoch, Math.max(offset, this.shown)];
    this.farthest = Math.max(this.farthest, this.left[1]);
    this.#atBefore = this.at;
    this.shown = 0;
  }

  /**
   * The offset up to which messages may have been delivered in the present epoch. If no message was delivered in it,
   * the earlier epochs count too.
   *
   * @param offset The stream's offset.
   */
  upTo(offset: number): number {
    return Math.max(offset, this.shown, this.at === this.#atBefore ? this.farthest : 0);
  }
}
