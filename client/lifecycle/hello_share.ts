/**
 * How much of a hello its lists may take. A client repeats its lists in every hello. So a hello that is too large once would
 * be too large each time.
 *
 * @module
 */

import { MIN_FRAME_BYTES } from "../../contract/mod.ts";
import { MAX_HELLO_BYTES } from "../../contract/wire/hello_size.ts";

/** A hello holds three lists: rooms, rooms with history, and topics. The fourth share is for everything around them. */
const SHARES = 4;

/** Calculates how many bytes each list of a hello may take. */
export class HelloShare {
  #maxBytes: number | undefined;

  /** A server said how large a frame may be, in bytes. */
  known(maxFrameBytes: number): void {
    this.#maxBytes = Math.min(maxFrameBytes, MAX_HELLO_BYTES);
  }

  /**
   * Returns how many bytes each list may take. Until a server has said how large a frame may be, only the first hello
   * has lists, and they are as small as every server accepts.
   *
   * @param bytes The size of the hello without the lists.
   */
  next(bytes: number): number {
    const share = this.#maxBytes === undefined ? MIN_FRAME_BYTES / 2 : (this.#maxBytes - bytes) / SHARES;
    this.#maxBytes ??= 0;
    return share;
  }
}
