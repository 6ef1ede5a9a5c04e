/**
 * Counts the bytes that one client makes this process keep: the frames with a message that waits or is being handled.
 *
 * @module
 */

import { type Encoded, utf8Size } from "../../contract/mod.ts";

/** A frame with kept messages. It counts once, for any number of messages. */
export interface PendingFrame {
  /** Its size, in bytes. */
  readonly bytes: number;
  /** How many of its messages are kept. */
  messages: number;
}

/** Counts the bytes of frames with kept messages. It measures a frame when the first of its messages is kept. */
export class PendingBytes {
  #bytes = 0;
  /** The frame that is being handled. It is cleared at once, because frames are large. */
  #data: Encoded;
  #frame: PendingFrame | undefined;

  /** @param data The frame that is being handled. */
  constructor(data: Encoded) {
    this.#data = data;
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Begins to handle a frame. */
  begin(data: Encoded): void {
    this.#data = data;
    this.#frame = undefined;
  }

  /** Ends the handling of a frame. Some of its messages may still be kept. */
  end(): void {
    this.#data = "";
  }

  /** Begins to handle a kept message. */
  resume(frame: PendingFrame): void {
    this.#frame = frame;
  }

  /** Keeps a message of the current frame. Pass the result to `release`, once. */
  keep(): PendingFrame {
    const frame = this.#frame ??= { bytes: utf8Size(this.#data), messages: 0 };
    if (frame.messages++ === 0) this.#bytes += frame.bytes;
    return frame;
  }

  /** Ends the keeping of a message. */
  release(frame: PendingFrame): void {
    if (--frame.messages === 0) this.#bytes -= frame.bytes;
  }
}
