/**
 * What has been read of one client and not been heard yet, within a bound.
 *
 * @module
 */

import { type Encoded, maxUtf8Size, utf8Size } from "../../contract/mod.ts";

/** How much may wait, in bytes: Deno cannot be told to read no more. */
const MAX_BACKLOG = 16 * 1024 * 1024;

/** What a frame counts beside its length, in bytes: many empty ones take memory too. */
const FRAME_BYTES = 64;

/** From so many places of frames that were heard on they are given back, when they are half of all. */
const COMPACTED_FROM = 64;

/** Frames that wait, in order. */
export class Backlog {
  /** How the client closed; comes after all that it had said. */
  farewell: { readonly code: number; readonly reason: string } | undefined;
  readonly #frames: Encoded[] = [];
  #heard = 0;
  #size = 0;
  /** What a frame counts: the most that it can take, which costs nothing, as long as so little waits that this is enough. */
  #sizeOf = maxUtf8Size;

  /** How long the oldest frame is; `undefined` when none waits. */
  get nextSize(): number | undefined {
    return this.#heard < this.#frames.length ? this.#frames[this.#heard]!.length : undefined;
  }

  /** Keeps a frame; tells whether as much may wait. */
  keep(frame: Encoded): boolean {
    this.#frames.push(frame);
    this.#size += this.#sizeOf(frame) + FRAME_BYTES;
    return this.#size <= MAX_BACKLOG || this.#measure() <= MAX_BACKLOG;
  }

  /** Takes the oldest frame out; there must be one. */
  take(): Encoded {
    const frame = this.#frames[this.#heard]!;
    this.#frames[this.#heard++] = ""; // it may be large, and those behind it many
    this.#size -= this.#sizeOf(frame) + FRAME_BYTES;
    // While one frame waits behind another for ever, the places of those that were heard must not add up.
    if (this.#heard >= COMPACTED_FROM && 2 * this.#heard >= this.#frames.length) {
      this.#frames.splice(0, this.#heard);
      this.#heard = 0;
    }
    return frame;
  }

  /** Counts exactly what waits, from now on. */
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
