/**
 * Limits how many frames are delivered in one turn of the event loop.
 *
 * Deno reads a WebSocket as long as there is data, and does nothing else meanwhile. So one client that sends a lot at
 * once would block all others. Frames beyond the limit of one turn wait for the next turns. Then each link in
 * rotation delivers some of its frames.
 *
 * @module
 */

import { systemClock } from "../../contract/mod.ts";

/**
 * How many small frames are delivered in one turn. They cause a few frames for each receiver; a lower limit would
 * cost speed.
 */
const FRAMES_PER_TURN = 2_048;
/** This many bytes, or characters of text, count as one more frame. That makes at most 4 Mi in one turn. */
const BYTES_PER_FRAME = 2_048;
/** How many frames in a row may come from one link while other links wait. */
const FRAMES_IN_A_ROW = 32;
/**
 * From this many frames on, this code asks to be called at the end of the turn. That costs something, and most turns
 * bring fewer frames.
 */
const WATCHED_FROM = 32;

/** A link that keeps waiting frames. */
export interface Backlogged {
  /** The approximate size of the oldest one; `undefined` if none waits. */
  readonly nextSize: number | undefined;
  /** Delivers the oldest one. It must not throw. */
  next(): void;
}

/** Delivers the frames of all links of one transport. */
export class Intake {
  readonly #endOfTurn: (callback: () => void) => void;
  readonly #behind = new Set<Backlogged>();
  #taken = 0;
  #watching = false;

  /** @param watch Calls back when the turn has ended. */
  constructor(watch: (callback: () => void) => void = systemClock.endOfTurn) {
    this.#endOfTurn = watch;
  }

  /**
   * Asks whether a frame may be delivered now.
   *
   * @param link The link that it came from.
   * @param size Its approximate size. Its length is enough.
   * @returns `false` if the link has to keep it. The link's `next` is called later.
   */
  admits(link: Backlogged, size: number): boolean {
    if (this.#behind.has(link)) return false;
    if (this.#taken >= FRAMES_PER_TURN) {
      this.#behind.add(link);
      return false;
    }
    this.#take(size);
    return true;
  }

  /** A link is closed: none of its frames waits any more. */
  forget(link: Backlogged): void {
    this.#behind.delete(link);
  }

  /** Counts a frame. If many frames came in this turn, waits for the end of the turn. */
  #take(size: number): void {
    this.#taken += 1 + size / BYTES_PER_FRAME;
    if (this.#taken >= WATCHED_FROM) this.#watch();
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#endOfTurn(() => {
      this.#watching = false;
      this.#taken = 0;
      this.#catchUp();
    });
  }

  #catchUp(): void {
    for (const link of this.#behind) {
      for (let row = 0; row < FRAMES_IN_A_ROW && this.#taken < FRAMES_PER_TURN; row++) {
        const { nextSize } = link;
        if (nextSize === undefined) break;
        this.#take(nextSize);
        link.next();
      }
      this.#behind.delete(link);
      if (link.nextSize !== undefined) this.#behind.add(link); // at the end: this loop reaches it again
      if (this.#taken >= FRAMES_PER_TURN) break;
    }
  }
}
