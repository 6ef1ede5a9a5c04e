/**
 * What has been read of one client and not been heard yet, within a bound.
 *
 * @module
 */

import { type Encoded, utf8Size } from "../../contract/mod.ts";

/** How much may wait, in bytes: Deno cannot be told to read no more. */
const MAX_BACKLOG = 16 * 1024 * 1024;

/** What a frame counts beside its length, in bytes: many empty ones take memory too. */
const FRAME_BYTES = 64;

/** From so many places of frames that were heard on they are given back, when they are half of all. */
const COMPACTED_FROM = 64;

/** A frame that waits, and how large it is, in bytes. */
interface Waiting {
  readonly frame: Encoded;
  readonly size: number;
}

/** Frames that wait, in order. */
export class Backlog {
  /** How the client closed; comes after all that it had said. */
  farewell: { readonly code: number; readonly reason: string } | undefined;
  readonly #frames: (Waiting | undefined)[] = [];
  #heard = 0;
  #size = 0;

  /** How large the oldest frame is, in bytes; `undefined` when none waits. */
  get nextSize(): number | undefined {
    return this.#frames[this.#heard]?.size;
  }

  /** Keeps a frame; tells whether as much may wait. */
  keep(frame: Encoded): boolean {
    const size = utf8Size(frame);
    this.#frames.push({ frame, size });
    this.#size += size + FRAME_BYTES;
    return this.#size <= MAX_BACKLOG;
  }

  /** Takes the oldest frame out; there must be one. */
  take(): Encoded {
    const { frame, size } = this.#frames[this.#heard]!;
    this.#frames[this.#heard++] = undefined; // it may be large, and those behind it many
    this.#size -= size + FRAME_BYTES;
    // While one frame waits behind another for ever, the places of those that were heard must not add up.
    if (this.#heard >= COMPACTED_FROM && 2 * this.#heard >= this.#frames.length) {
      this.#frames.splice(0, this.#heard);
      this.#heard = 0;
    }
    return frame;
  }
}
