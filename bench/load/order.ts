/**
 * Whether one listener heard everything that every sender said: in order, nothing twice, nothing missing.
 *
 * @module
 */

/** Watches the numbers of messages: sender `s` says `first + s * messages`, and so on, `messages` of them. */
export class OrderWatch {
  readonly #first: number;
  readonly #messages: number;
  readonly #next: Float64Array;
  #disorder = false;

  /**
   * @param first The number of the first sender's first message; lower ones are of an earlier round, and ignored.
   * @param senders How many senders.
   * @param messages How many messages of each.
   */
  constructor(first: number, senders: number, messages: number) {
    this.#first = first;
    this.#messages = messages;
    this.#next = new Float64Array(senders);
  }

  /** Takes the number of the message that has come. */
  take(sequence: number): void {
    const number = sequence - this.#first;
    if (number < 0) return;
    const sender = Math.floor(number / this.#messages);
    if (this.#next[sender]++ !== number % this.#messages) this.#disorder = true;
  }

  /** Whether all has come in order. */
  get ordered(): boolean {
    return !this.#disorder && this.#next.every((next) => next === this.#messages);
  }
}
