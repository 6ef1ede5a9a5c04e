/**
 * WebSocket frames for a load client. It writes masked frames ahead of time. It finds the beginning and the end of incoming
 * frames without decoding them (RFC 6455, section 5.2).
 *
 * @module
 */

const encoder = new TextEncoder();

/** A client's frame, of text or of bytes. The mask is all zeros: the protocol allows it, and it costs nothing. */
export function clientFrame(content: string | Uint8Array): Uint8Array {
  const payload = typeof content === "string" ? encoder.encode(content) : content;
  const first = typeof content === "string" ? 0x81 : 0x82;
  const wide = payload.length > 125;
  if (payload.length > 65_535) throw new RangeError("A load client's frame has 65535 bytes at the most");
  const head = wide
    ? [first, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]
    : [first, 0x80 | payload.length, 0, 0, 0, 0];
  const frame = new Uint8Array(head.length + payload.length);
  frame.set(head);
  frame.set(payload, head.length);
  return frame;
}

/** Frames as one block of bytes. */
export function concat(frames: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
}

/** Receives the frames. */
export interface FrameSink {
  /** A frame begins that has so many bytes of payload. */
  begin(size: number): void;
  /** A part of the frame's payload; `ends` is true for the last part. */
  payload(chunk: Uint8Array, from: number, to: number, ends: boolean): void;
}

/** Reads a server's frames, which are not masked, from chunks of bytes. A chunk may end anywhere in a frame. */
export class FrameReader {
  readonly #sink: FrameSink;
  /** The first bytes of a header whose rest is in the next chunk. */
  readonly #cut = new Uint8Array(10);
  #cutSize = 0;
  #left = 0;

  /** @param sink Receives the frames. */
  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /**
   * Reads a chunk.
   *
   * @param chunk The bytes.
   * @param at Where to begin.
   */
  read(chunk: Uint8Array, at = 0): void {
    while (at < chunk.length) {
      if (this.#left === 0) {
        at = this.#cutSize > 0 ? this.#resume(chunk, at) : this.#header(chunk, at, chunk.length);
        if (this.#left === 0) continue; // the frame has no payload, or the rest of its header is in the next chunk
      }
      const to = Math.min(chunk.length, at + this.#left);
      this.#left -= to - at;
      if (to > at) this.#sink.payload(chunk, at, to, this.#left === 0);
      at = to;
    }
  }

  /** Reads a header, or keeps its first bytes. Returns where the payload begins. */
  #header(bytes: Uint8Array, at: number, end: number): number {
    const short = end - at < 2 ? 0 : bytes[at + 1]! & 127;
    const size = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (end - at < size) {
      this.#cut.set(bytes.subarray(at, end));
      this.#cutSize = end - at;
      return end;
    }
    let length = size === 2 ? short : 0;
    for (let i = at + 2; i < at + size; i++) length = length * 256 + bytes[i]!;
    this.#left = length;
    this.#sink.begin(length);
    if (length === 0) this.#sink.payload(bytes, at + size, at + size, true);
    return at + size;
  }

  /** Reads the rest of a header. */
  #resume(chunk: Uint8Array, at: number): number {
    const had = this.#cutSize;
    const taken = Math.min(chunk.length - at, this.#cut.length - had);
    this.#cut.set(chunk.subarray(at, at + taken), had);
    this.#cutSize = 0;
    const whole = had + taken;
    const used = this.#header(this.#cut, 0, whole);
    return this.#cutSize > 0 ? at + taken : at + used - had;
  }
}
