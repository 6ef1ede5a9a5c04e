/**
 * Notices messages that never arrived. If each node keeps its own history of a topic, every node numbers its messages.
 *
 * @module
 */

/** For how many publishers per topic the last number is remembered. The one that was silent longest is forgotten. */
const MAX_PUBLISHERS = 1_024;

/** The state of a publisher: its run, and its last number in it. */
interface Count {
  readonly run: string;
  readonly number: number;
}

/** The last arrived messages of the publishers of one topic. */
export class Arrivals {
  readonly #last = new Map<string, Count>();

  /**
   * Takes a message.
   *
   * @param publisher The node that sent it.
   * @param run The publisher's run. A publisher begins a new run when it has forgotten its number.
   * @param number The message's number in the run.
   * @returns `false` when messages before this one are missing. For a new publisher this is not known: `true`.
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
   * Takes the end of a publisher's run. Its next message is the first of another run.
   *
   * @returns `false` when messages at the end of the run are missing.
   */
  end(publisher: string, run: string, number: number): boolean {
    const last = this.#last.get(publisher);
    this.#last.delete(publisher);
    return last === undefined || (run === last.run && number === last.number);
  }

  /** Forgets all publishers. Call it when it is already known that messages are missing. */
  clear(): void {
    this.#last.clear();
  }
}
