/**
 * How many bytes one client makes this process keep: the frames of which something waits, or is being handled.
 *
 * @module
 */

import { type Encoded, utf8Size } from "../../contract/mod.ts";

/** A frame of which something is kept. It counts once, however many of its messages are kept. */
export interface PendingFrame {
  /** Its size. */
  readonly bytes: number;
  /** How many of its messages are kept. */
  messages: number;
}

/** Counts the bytes of frames of which something is kept. A frame is measured when the first of its messages is kept. */
export class PendingBytes {
  #bytes = 0;
  /** The frame that is being handled; not longer, because it is large. */
  #data: Encoded;
  #frame: PendingFrame | undefined;

  /** @param data The frame that is being handled. */
  constructor(data: Encoded) {
    this.#data = data;
  }

  /** How many there are. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A frame is about to be handled. */
  begin(data: Encoded): void {
    this.#data = data;
    this.#frame = undefined;
  }

  /** A frame has been handled, as far as it could be at once. */
  end(): void {
    this.#data = "";
  }

  /** A message that was kept is about to be handled. */
  resume(frame: PendingFrame): void {
    this.#frame = frame;
  }

  /** Keeps a message of the frame that is being handled. Give what this returns to `release`, once. */
  keep(): PendingFrame {
    const frame = this.#frame ??= { bytes: utf8Size(this.#data), messages: 0 };
    if (frame.messages++ === 0) this.#bytes += frame.bytes;
    return frame;
  }

  /** A message is not kept any more. */
  release(frame: PendingFrame): void {
    if (--frame.messages === 0) this.#bytes -= frame.bytes;
  }
}
