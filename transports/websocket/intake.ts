/**
 * How much is let in during one turn of the event loop.
 *
 * Deno reads a WebSocket for as long as there is something to read, without a look at anything else: one client that
 * says a lot at once keeps the others from being heard, and everybody from being sent to. So what is beyond a turn's
 * share waits for the next turns, in which the links are heard in rotation.
 *
 * @module
 */

import { systemClock } from "../../contract/mod.ts";

/** How many small frames a turn takes. What comes of them fills a few frames for each listener; fewer would cost speed. */
const FRAMES_PER_TURN = 2_048;
/** A frame that is larger by so much counts as one more, which makes 4 Mi a turn: bytes, or characters of text. */
const BYTES_PER_FRAME = 2_048;
/** How many of them in a row may be of one link, while others wait. */
const FRAMES_IN_A_ROW = 32;
/** From so many on the end of the turn is watched for: it costs something, and most turns bring little. */
const WATCHED_FROM = 32;

/** Whoever keeps frames that wait. */
export interface Backlogged {
  /** How large the oldest one is, about; `undefined` when none waits. */
  readonly nextSize: number | undefined;
  /** Hands the oldest one over. Does not throw. */
  next(): void;
}

/** Lets frames in, of all links of one transport. */
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
   * Asks whether a frame may be handed over now.
   *
   * @param link Where it came from.
   * @param size How large it is, about: its length will do.
   * @returns `false` when the link has to keep it; its `next` is called when it is its turn.
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

  /** A link is gone: nothing of it waits any more. */
  forget(link: Backlogged): void {
    this.#behind.delete(link);
  }

  /** Counts a frame. Whenever a share is used up, or much of it, the end of the turn is watched for. */
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
      if (link.nextSize !== undefined) this.#behind.add(link); // last, so that this loop comes to it once more
      if (this.#taken >= FRAMES_PER_TURN) break;
    }
  }
}
