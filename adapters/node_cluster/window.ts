/**
 * How much is on its way to a process that may not read.
 *
 * @module
 */

/** So many bytes are sent until an acknowledgement is asked for. */
const ASK_EVERY_BYTES = 64 * 1024;

/** Counts what was sent and is not acknowledged. */
export class Window {
  readonly #maxBytes: number;
  readonly #askEvery: number;
  #asked = 0;
  #unasked = 0;

  /** @param maxBytes How much may be on its way, besides the last 64 KiB. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#askEvery = Math.min(ASK_EVERY_BYTES, maxBytes);
  }

  /**
   * Counts a message, if there is room for it. When nothing else is on its way there is room for any.
   *
   * @returns Whether there is.
   */
  takes(bytes: number): boolean {
    const alone = this.#asked === 0 && this.#unasked < this.#askEvery;
    if (!alone && this.#asked + this.#unasked + bytes > this.#maxBytes + this.#askEvery) return false;
    this.#unasked += bytes;
    return true;
  }

  /**
   * What the frame that leaves now has to ask for: the bytes since the last one that asked; 0 while those are few.
   */
  ask(): number {
    if (this.#unasked < this.#askEvery) return 0;
    const bytes = this.#unasked;
    this.#asked += bytes;
    this.#unasked = 0;
    return bytes;
  }

  /** So many bytes were acknowledged. */
  took(bytes: number): void {
    this.#asked = Math.max(0, this.#asked - bytes);
  }
}
