/**
 * Frames of one client that were read but not delivered yet. The amount is limited.
 *
 * @module
 */

import { type Encoded, maxUtf8Size, utf8Size } from "../../contract/mod.ts";

/** How many bytes may wait. A limit is needed because Deno cannot be told to stop reading. */
const MAX_BACKLOG = 16 * 1024 * 1024;

/** The size that each frame counts in addition to its length, in bytes, because many empty frames take memory too. */
const FRAME_BYTES = 64;

/** From this many delivered frames on, their places are freed, if they are at least half of all places. */
const COMPACTED_FROM = 64;

/** A queue of waiting frames. */
export class Backlog {
  /** How the client closed. It is reported after all waiting frames. */
  farewell: { readonly code: number; readonly reason: string } | undefined;
  readonly #frames: Encoded[] = [];
  #heard = 0;
  #size = 0;
  /**
   * The size of a frame: an upper bound, which costs nothing. Exact sizes are used only when the bound reaches the
   * limit.
   */
  #sizeOf = maxUtf8Size;

  /** The length of the oldest frame; `undefined` if no frame waits. */
  get nextSize(): number | undefined {
    return this.#heard < this.#frames.length ? this.#frames[this.#heard]!.length : undefined;
  }

  /** Adds a frame. Returns whether the queue is still within its limit. */
  keep(frame: Encoded): boolean {
    this.#frames.push(frame);
    this.#size += this.#sizeOf(frame) + FRAME_BYTES;
    return this.#size <= MAX_BACKLOG || this.#measure() <= MAX_BACKLOG;
  }

  /** Removes the oldest frame and returns it. There must be one. */
  take(): Encoded {
    const frame = this.#frames[this.#heard]!;
    this.#frames[this.#heard++] = ""; // frees a large frame, even if many frames wait behind it
    this.#size -= this.#sizeOf(frame) + FRAME_BYTES;
    // If the queue is never empty, the places of delivered frames must not add up.
    if (this.#heard >= COMPACTED_FROM && 2 * this.#heard >= this.#frames.length) {
      this.#frames.splice(0, this.#heard);
      this.#heard = 0;
    }
    return frame;
  }

  /** Counts exact sizes from now on. */
  #measure(): number {
    if (this.#sizeOf !== utf8Size) {
      this.#sizeOf = utf8Size;
      this.#size = 0;
      for (let i = this.#heard; i < this.#frames.length; i++) {
        this.#size += utf8Size(this.#frames[i]!) + FRAME_BYTES;
      }
    }
    return this.#size;
  }
}
