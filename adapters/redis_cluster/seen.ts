/**
 * What a node has seen of each publisher, so that nothing is delivered twice or too late, whatever way it took: a message
 * may come over the old shard and again over the new one while a slot moves.
 *
 * @module
 */

/** Counts of publishers are forgotten when they were silent for this long to twice this long. */
const GENERATION_MS = 60_000;

/** The last number of each publisher on one partition. */
export class Seen {
  #recent = new Map<string, number>();
  #older = new Map<string, number>();
  #since = 0;

  /**
   * Tells whether a message is new, and notes it.
   *
   * @param from Its publisher.
   * @param number Its number among those of the publisher on the partition.
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
