/**
 * Collects the pages of another node's whole state. Pages may arrive in any order, twice, or not at all.
 *
 * @module
 */

/** How many pages are sent for one request. When they have arrived, the next ones are requested. */
export const PAGES_PER_QUESTION = 16;

/** A whole state whose pages arrive. */
export class Transfer {
  /** The version of the state. */
  readonly version: number;
  /** The number of pages. */
  readonly total: number;
  readonly #taken = new Set<number>();
  #next = 0;
  #askedTo = PAGES_PER_QUESTION;

  /**
   * @param version The version of the state.
   * @param total The number of pages.
   */
  constructor(version: number, total: number) {
    this.version = version;
    this.total = total;
  }

  /** The first page that has not arrived. */
  get next(): number {
    return this.#next;
  }

  /** Whether all requested pages have arrived. */
  get isDue(): boolean {
    return this.#next >= this.#askedTo;
  }

  /** Notes that the next pages are requested. */
  ask(): void {
    this.#askedTo = this.#next + PAGES_PER_QUESTION;
  }

  /** Whether all pages have arrived. */
  get complete(): boolean {
    return this.#next === this.total;
  }

  /** A page has arrived. Returns whether it is new. */
  take(index: number): boolean {
    if (index < this.#next || this.#taken.has(index)) return false;
    this.#taken.add(index);
    while (this.#taken.delete(this.#next)) this.#next++;
    return true;
  }
}
