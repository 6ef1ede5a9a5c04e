/**
 * The whole state of another node, as its pages come in: in whatever order, twice, or not all of them.
 *
 * @module
 */

/** How many pages are sent for one question; more are asked for when they have come. */
export const PAGES_PER_QUESTION = 16;

/** A whole state under way. */
export class Transfer {
  /** The version of the state. */
  readonly version: number;
  /** How many pages it has. */
  readonly total: number;
  readonly #taken = new Set<number>();
  #next = 0;
  #askedTo = PAGES_PER_QUESTION;

  /**
   * @param version The version of the state.
   * @param total How many pages it has.
   */
  constructor(version: number, total: number) {
    this.version = version;
    this.total = total;
  }

  /** The first page that has not come. */
  get next(): number {
    return this.#next;
  }

  /** Whether all that were asked for have come. */
  get isDue(): boolean {
    return this.#next >= this.#askedTo;
  }

  /** Those after the last one are asked for. */
  ask(): void {
    this.#askedTo = this.#next + PAGES_PER_QUESTION;
  }

  /** Whether all have come. */
  get complete(): boolean {
    return this.#next === this.total;
  }

  /** A page has come. Tells whether it is the first time. */
  take(index: number): boolean {
    if (index < this.#next || this.#taken.has(index)) return false;
    this.#taken.add(index);
    while (this.#taken.delete(this.#next)) this.#next++;
    return true;
  }
}
