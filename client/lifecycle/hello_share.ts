/**
 * How much a hello may name: it is the first frame, and a server that finds it too large would find the next one so too.
 *
 * @module
 */

import { MIN_FRAME_BYTES } from "../../contract/mod.ts";
import { MAX_HELLO_BYTES } from "../../contract/wire/hello_size.ts";

/** Three lists are in a hello: rooms, those with history, and topics. What stands around them takes as much as one of them. */
const SHARES = 4;

/** Knows how much each list of a hello may take. */
export class HelloShare {
  #maxBytes: number | undefined;

  /** A server has said how large a frame may be, in bytes. */
  known(maxFrameBytes: number): void {
    this.#maxBytes = Math.min(maxFrameBytes, MAX_HELLO_BYTES);
  }

  /**
   * How much each list may take, in bytes. While no server has said what it takes only the first hello names something: a small
   * thing, and a chance.
   *
   * @param bytes How large the hello is without them.
   */
  next(bytes: number): number {
    const share = this.#maxBytes === undefined ? MIN_FRAME_BYTES / 2 : (this.#maxBytes - bytes) / SHARES;
    this.#maxBytes ??= 0;
    return share;
  }
}
