/**
 * Checks that one listener gets all messages of every sender: in order, none twice, none missing.
 *
 * @module
 */

/** Checks the numbers of messages that senders send in turn: sender `s` sends `first + s`, `first + s + senders`, and so on. */
export class TurnWatch {
  readonly #first: number;
  readonly #next: Float64Array;
  #disorder = false;

  /**
   * @param first The number of the first message; lower ones are of an earlier round, and ignored.
   * @param senders How many senders.
   */
  constructor(first: number, senders: number) {
    this.#first = first;
    this.#next = Float64Array.from({ length: senders }, (_, sender) => sender);
  }

  /** Takes the number of the message that has come. */
  take(sequence: number): void {
    const number = sequence - this.#first;
    if (number < 0) return;
    const sender = number % this.#next.length;
    if (this.#next[sender] !== number) this.#disorder = true;
    this.#next[sender] = number + this.#next.length;
  }

  /**
   * Whether all has come in order.
   *
   * @param count How many messages all senders sent.
   */
  ordered(count: number): boolean {
    const senders = this.#next.length;
    return !this.#disorder && this.#next.every((next) => next >= count && next < count + senders);
  }
}

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
