/**
 * Noticing what never arrived: every publisher numbers what it sends on a topic with history.
 *
 * @module
 */

/** Of how many publishers the last number is known, per topic; the one not heard of for longest is forgotten. */
const MAX_PUBLISHERS = 1_024;

/** What has arrived of the publishers of one topic. */
export class Arrivals {
  readonly #last = new Map<string, number>();

  /**
   * A message arrived.
   *
   * @param publisher Whose.
   * @param number Its number.
   * @returns `false` when something is missing between this one and the one before. Of a publisher not heard of so
   * far nobody can tell; one that starts to count anew counts as a gap.
   */
  take(publisher: string, number: number): boolean {
    const last = this.#last.get(publisher);
    this.#last.delete(publisher);
    this.#last.set(publisher, number);
    if (this.#last.size > MAX_PUBLISHERS) {
      for (const oldest of this.#last.keys()) {
        this.#last.delete(oldest);
        break;
      }
    }
    return last === undefined || number === last + 1;
  }

  /** Forgets all publishers: that something is missing is known already. */
  clear(): void {
    this.#last.clear();
  }
}
