/**
 * Joins the messages that a client sends in one turn into one frame.
 *
 * @module
 */

import { type Codec, type Encoded, HubError, maxUtf8Size, utf8Size } from "../contract/mod.ts";

/** The largest number of messages in one frame. The server handles a whole frame in one turn. */
const MAX_MESSAGES = 64;

/** The bytes of a frame in addition to its messages: brackets and commas. Codecs that write a length need no more. */
const FRAME_BYTES = 2;

/** The size in bytes, or a larger value that is still within the limit: an exact count costs as much as encoding. */
function sizeOf(message: Encoded, limit: number): number {
  const bound = maxUtf8Size(message);
  return bound <= limit ? bound : utf8Size(message);
}

/** Options of {@linkcode FrameBatch}. */
export interface FrameBatchOptions {
  /** The codec of the connection. */
  readonly codec: Codec;
  /** The largest frame that the server accepts, in bytes. */
  readonly maxFrameBytes: number;
  /** Sends a frame. */
  readonly send: (frame: Encoded) => void;
}

/** Joins the messages of one turn into frames. */
export class FrameBatch {
  readonly #options: FrameBatchOptions;
  #messages: Encoded[] = [];
  #bytes = FRAME_BYTES;
  #scheduled = false;

  /** @param options How frames are sent, and how large they may be. */
  constructor(options: FrameBatchOptions) {
    this.#options = options;
  }

  /**
   * Sends a message at the end of this turn. The order is kept.
   *
   * @param message A message of the wire.
   * @throws {HubError} `TOO_LARGE` when the message does not fit into a frame, `BAD_REQUEST` when it cannot be
   * encoded.
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
    // Subscribes do not count against the limit, so that one frame can restore all subscriptions.
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

  /** Sends all waiting messages at once. */
  flush(): void {
    if (this.#messages.length === 0) return;
    const frame = this.#options.codec.join(this.#messages);
    this.#messages = [];
    this.#bytes = FRAME_BYTES;
    this.#options.send(frame);
  }
}
