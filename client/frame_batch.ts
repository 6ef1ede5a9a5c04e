/**
 * What leaves a client: messages of one turn share a frame.
 *
 * @module
 */

import { type Codec, type Encoded, HubError, maxUtf8Size, utf8Size } from "../contract/mod.ts";

/** So many messages share a frame at the most: the server works a frame off in one turn. */
const MAX_MESSAGES = 64;

/** What a frame needs beside its messages: brackets, and one comma each. A length, in other codecs, needs no more. */
const FRAME_BYTES = 2;

/** The size in bytes, or a bound of it that is within the limit too: counting exactly costs as much as encoding. */
function sizeOf(message: Encoded, limit: number): number {
  const bound = maxUtf8Size(message);
  return bound <= limit ? bound : utf8Size(message);
}

/** Options of {@linkcode FrameBatch}. */
export interface FrameBatchOptions {
  /** How messages are encoded. */
  readonly codec: Codec;
  /** The largest frame that the server takes, in bytes. */
  readonly maxFrameBytes: number;
  /** Takes the frames. */
  readonly send: (frame: Encoded) => void;
}

/** Joins the messages of one turn to frames. */
export class FrameBatch {
  readonly #options: FrameBatchOptions;
  #messages: Encoded[] = [];
  #bytes = FRAME_BYTES;
  #scheduled = false;

  /** @param options Where frames go, and how large they may be. */
  constructor(options: FrameBatchOptions) {
    this.#options = options;
  }

  /**
   * Sends a message at the end of this turn, in order.
   *
   * @param message A message of the wire.
   * @throws {HubError} `TOO_LARGE` when no frame may hold it, `BAD_REQUEST` when it cannot be encoded.
   */
  push(message: readonly unknown[]): void {
    const { codec, maxFrameBytes } = this.#options;
    const encoded = codec.encode(message);
    const bytes = sizeOf(encoded, maxFrameBytes - FRAME_BYTES);
    if (bytes + FRAME_BYTES > maxFrameBytes) {
      throw new HubError(
        "TOO_LARGE",
        `Cannot send a message of ${bytes} bytes: the server takes frames of at most ${maxFrameBytes}`,
        { data: { bytes, maxFrameBytes } },
      );
    }
    // Subscribes are not counted: however many there are, one frame brings them all back.
    const full = message[0] !== "sub" && this.#messages.length >= MAX_MESSAGES;
    if (full || this.#bytes + bytes + 1 > maxFrameBytes) this.flush();
    this.#messages.push(encoded);
    this.#bytes += bytes + 1;
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Sends what waits, at once. */
  flush(): void {
    if (this.#messages.length === 0) return;
    const frame = this.#options.codec.join(this.#messages);
    this.#messages = [];
    this.#bytes = FRAME_BYTES;
    this.#options.send(frame);
  }
}
