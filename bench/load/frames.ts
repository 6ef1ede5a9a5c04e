/**
 * WebSocket frames as a load client needs them: writing masked ones ahead of time, and counting what comes without
 * decoding it (RFC 6455, section 5.2).
 *
 * @module
 */

const encoder = new TextEncoder();

/** A client's text frame. The mask is all zeros: allowed by the protocol, and free. */
export function textFrame(text: string): Uint8Array {
  const payload = encoder.encode(text);
  const wide = payload.length > 125;
  if (payload.length > 65_535) throw new RangeError("A load client's frame has 65535 bytes at the most");
  const head = wide
    ? [0x81, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]
    : [0x81, 0x80 | payload.length, 0, 0, 0, 0];
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

/**
 * Reads a server's frames from chunks of bytes, wherever they are cut, and hands over the pieces of payload.
 */
export class FrameReader {
  #header: number[] = [];
  #left = 0;

  /**
   * Reads a chunk.
   *
   * @param chunk What came.
   * @param payload Called with each stretch of payload bytes, and whether it is the last of its frame.
   */
  read(chunk: Uint8Array, payload: (from: number, to: number, ends: boolean) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const to = Math.min(chunk.length, at + this.#left);
        this.#left -= to - at;
        payload(at, to, this.#left === 0);
        at = to;
        continue;
      }
      const header = this.#header;
      header.push(chunk[at++]!);
      const length = header[1]! & 127;
      const size = header.length < 2 ? 2 : length === 126 ? 4 : length === 127 ? 10 : 2;
      if (header.length < size) continue;
      let total = length;
      if (size > 2) {
        total = 0;
        for (let i = 2; i < size; i++) total = total * 256 + header[i]!;
      }
      this.#header = [];
      this.#left = total;
      if (total === 0) payload(at, at, true);
    }
  }
}
