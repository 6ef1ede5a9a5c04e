/**
 * Counts the bytes that one client makes this process keep: the frames with a message that waits or is being handled.
 *
 * @module
 */

import { type Encoded, utf8Size } from "../../contract/mod.ts";

/** A frame with kept messages. It counts once, for any number of messages. */
export class PendingFrame {
  /** Its size, in bytes. */
  readonly bytes: number;
  /** How many of its messages are kept. */
  messages = 0;

  /** @param data The frame. */
  constructor(data: Encoded) {
    this.bytes = utf8Size(data);
  }
}

/** Counts the bytes of frames with kept messages. It measures a frame when the first of its messages is kept. */
export class PendingBytes {
  #bytes = 0;
  /**
   * The frame that is being handled: itself until one of its messages is kept, and then its size. It is cleared at once,
   * because frames are large.
   */
  #frame: Encoded | PendingFrame = "";

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Begins to handle a frame, or a kept message of one. */
  protected begin(frame: Encoded | PendingFrame): void {
    this.#frame = frame;
  }

  /** Ends the handling of a frame. Some of its messages may still be kept. */
  protected end(): void {
    this.#frame = "";
  }

  /** Keeps a message of the current frame. Pass the result to `release`, once. */
  keep(): PendingFrame {
    const frame = this.#frame instanceof PendingFrame ? this.#frame : new PendingFrame(this.#frame);
    this.#frame = frame;
    if (frame.messages++ === 0) this.#bytes += frame.bytes;
    return frame;
  }

  /** Ends the keeping of a message. */
  release(frame: PendingFrame): void {
    if (--frame.messages === 0) this.#bytes -= frame.bytes;
  }
}
