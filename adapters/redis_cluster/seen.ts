/**
 * The last message number of each publisher. With it a node delivers no message twice or too late. The reason: while a
 * slot moves, a message may come over the old shard and again over the new one.
 *
 * @module
 */

/**
 * The number of a silent publisher is forgotten after this time at the earliest, and after twice this time at the
 * latest.
 */
const GENERATION_MS = 60_000;

/** The last number of each publisher on one partition. */
export class Seen {
  #recent = new Map<string, number>();
  #older = new Map<string, number>();
  #since = 0;

  /**
   * Tells whether a message is new, and remembers it.
   *
   * @param from Its publisher.
   * @param number Its number among the publisher's messages on the partition.
   * @param now The time in milliseconds.
   */
  isNew(from: string, number: number, now: number): boolean {
    if (now - this.#since > GENERATION_MS) {
      this.#older = this.#recent;
      this.#recent = new Map();
      this.#since = now;
    }
    const last = this.#recent.get(from) ?? this.#older.get(from) ?? 0;
    if (number <= last) return false;
    this.#recent.set(from, number);
    return true;
  }
}
