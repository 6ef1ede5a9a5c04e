/**
 * Counts the messages of a numbered stream. It uses only their numbers, and no report of the hub.
 *
 * @module
 */

/** At most so many messages of one gap count: a page may have slept for days. */
const MAX_HOLE = 10_000;

/** The numbers of one topic: missing ones, late ones and duplicates. */
export class Ledger {
  readonly count = { newest: 0, came: 0, late: 0, twice: 0 };
  readonly #missing = new Set<number>();
  readonly #fetched = new Map<number, boolean>();
  deliver(n: number, first: boolean): void {
    const { newest } = this.count;
    if (n <= newest && !this.#missing.has(n)) this.count.twice++;
    for (let gone = first ? n : Math.max(newest + 1, n - MAX_HOLE); gone < n; gone++) this.#missing.add(gone);
    if (n > newest) Object.assign(this.count, { newest: n, came: this.count.came + 1 });
    for (const [known, begins] of [[n, first] as const, ...this.#fetched]) this.fetch(known, begins);
  }
  fetch(n: number, first = false): void { // the page asked for it: it was not delivered
    if (n > this.count.newest) return void this.#fetched.set(n, first);
    this.#fetched.delete(n);
    for (const what of this.#missing.delete(n) ? ["came", "late"] as const : []) this.count[what]++;
    for (let never = n - 1; first && this.#missing.delete(never); never--); // no node has sent these
  }
  lostAfter = (mark: number): number => [...this.#missing].filter((n) => n > mark).length;
}
