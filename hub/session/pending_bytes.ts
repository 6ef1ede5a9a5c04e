/**
 * How many bytes one client makes this process keep: the frames of which something waits, or is being handled.
 *
 * @module
 */

/** A frame of which something is kept. It counts once, however many of its messages are kept. */
export interface PendingFrame {
  /** Its size. */
  readonly bytes: number;
  /** How many of its messages are kept. */
  messages: number;
}

/** Counts the bytes of frames of which something is kept. */
export class PendingBytes {
  #bytes = 0;
  #size: number;
  #frame: PendingFrame | undefined;

  /** @param size The size of the frame that is being handled. */
  constructor(size: number) {
    this.#size = size;
  }

  /** How many there are. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A frame is about to be handled. */
  begin(size: number): void {
    this.#size = size;
    this.#frame = undefined;
  }

  /** A message that was kept is about to be handled. */
  resume(frame: PendingFrame): void {
    this.#frame = frame;
  }

  /** Keeps a message of the frame that is being handled. Give what this returns to `release`, once. */
  keep(): PendingFrame {
    const frame = this.#frame ??= { bytes: this.#size, messages: 0 };
    if (frame.messages++ === 0) this.#bytes += frame.bytes;
    return frame;
  }

  /** A message is not kept any more. */
  release(frame: PendingFrame): void {
    if (--frame.messages === 0) this.#bytes -= frame.bytes;
  }
}
