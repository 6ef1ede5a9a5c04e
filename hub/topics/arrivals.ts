/**
 * Noticing what never arrived: every node numbers what it sends on a topic whose history each node keeps for itself.
 *
 * @module
 */

/** Of how many publishers the last number is known, per topic; the one not heard of for longest is forgotten. */
const MAX_PUBLISHERS = 1_024;

/** Where a publisher stands: the run in which it counts, and its last number. */
interface Count {
  readonly run: string;
  readonly number: number;
}

/** What has arrived of the publishers of one topic. */
export class Arrivals {
  readonly #last = new Map<string, Count>();

  /**
   * A message arrived.
   *
   * @param publisher Whose.
   * @param run In which run it counts: it begins a new one when it has forgotten its number.
   * @param number Its number.
   * @returns `false` when something is missing between this one and the one before. Of a publisher not heard of so
   * far nobody can tell.
   */
  take(publisher: string, run: string, number: number): boolean {
    const last = this.#last.get(publisher);
    this.#last.delete(publisher);
    this.#last.set(publisher, { run, number });
    if (this.#last.size > MAX_PUBLISHERS) {
      for (const oldest of this.#last.keys()) {
        this.#last.delete(oldest);
        break;
      }
    }
    return last === undefined || (run === last.run && number === last.number + 1);
  }

  /**
   * A publisher has ended its run: its next message is the first of another one.
   *
   * @returns `false` when something is missing at the end of the run.
   */
  end(publisher: string, run: string, number: number): boolean {
    const last = this.#last.get(publisher);
    this.#last.delete(publisher);
    return last === undefined || (run === last.run && number === last.number);
  }

  /** Forgets all publishers: that something is missing is known already. */
  clear(): void {
    this.#last.clear();
  }
}
