/**
 * How far those who listen to a stream have heard, in this epoch and in those that are over.
 *
 * @module
 */

import type { Position } from "../../../contract/mod.ts";

/** What a stream remembers of it. */
export class HeardSoFar {
  /** When somebody was sent something last, by the clock. */
  at = 0;
  /** Up to where somebody has been sent messages of this epoch by way of the store: it may be ahead of the stream. */
  shown = 0;
  /** Up to where they were sent messages in the epoch before; `undefined` in the first. */
  left: Position | undefined;
  /** Up to where in all epochs that are over. */
  farthest = 0;
  #atBefore = 0;

  /** The epoch is over, in which the stream has come to a position. */
  leave([epoch, offset]: Position): void {
    this.left = [epoch, Math.max(offset, this.shown)];
    this.farthest = Math.max(this.farthest, this.left[1]);
    this.#atBefore = this.at;
    this.shown = 0;
  }

  /**
   * Up to where messages of the present epoch may have been heard. When nothing was heard in it, that is as if it had not been.
   *
   * @param offset Where the stream stands.
   */
  upTo(offset: number): number {
    return Math.max(offset, this.shown, this.at === this.#atBefore ? this.farthest : 0);
  }
}
