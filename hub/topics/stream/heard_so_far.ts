/**
 * Up to which offset the subscribers of a stream have got messages, in the present epoch and in earlier ones.
 *
 * @module
 */

import type { Position } from "../../../contract/mod.ts";

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
