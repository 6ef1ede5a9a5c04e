/**
 * Counts the bytes on their way to a process that may not read.
 *
 * @module
 */

/** After this many bytes an acknowledgement is requested. */
const ASK_EVERY_BYTES = 64 * 1024;

/** Counts the bytes that were sent and not acknowledged. */
export class Window {
  readonly #maxBytes: number;
  readonly #askEvery: number;
  #asked = 0;
  #unasked = 0;

  /**
   * @param maxBytes How many bytes may be on their way. Bytes do not count before their acknowledgement is requested.
   */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#askEvery = Math.min(ASK_EVERY_BYTES, maxBytes);
  }

  /**
   * Counts a message, if there is room for it. If nothing else is on its way, there is room for any message.
   *
   * @returns Whether there was room.
   */
  takes(bytes: number): boolean {
    const alone = this.#asked === 0 && this.#unasked < this.#askEvery;
    if (!alone && this.#asked + this.#unasked + bytes > this.#maxBytes + this.#askEvery) return false;
    this.#unasked += bytes;
    return true;
  }

  /**
   * The number of bytes that the next frame asks to acknowledge: all bytes since the last request, or 0 if there are
   * only few.
   */
  ask(): number {
    if (this.#unasked < this.#askEvery) return 0;
    const bytes = this.#unasked;
    this.#asked += bytes;
    this.#unasked = 0;
    return bytes;
  }

  /** The other side has acknowledged this many bytes. */
  took(bytes: number): void {
    this.#asked = Math.max(0, this.#asked - bytes);
  }
}
