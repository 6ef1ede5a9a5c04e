/**
 * Counts what came of a numbered stream. No word of the hub's is taken for it: only the numbers.
 *
 * @module
 */

/** So many are counted of one hole, at the most: a page may have slept for days. */
const MAX_HOLE = 10_000;

/** The numbers of one topic: which are missing, which came late, which came twice. */
export class Ledger {
  readonly count = { newest: 0, came: 0, late: 0, twice: 0 };
  readonly #missing = new Set<number>();
  readonly #fetched = new Set<number>();
  deliver(n: number, first: boolean): void {
    const { newest } = this.count;
    if (n <= newest && !this.#missing.has(n)) this.count.twice++;
    for (let gone = first ? n : Math.max(newest + 1, n - MAX_HOLE); gone < n; gone++) this.#missing.add(gone);
    if (n > newest) Object.assign(this.count, { newest: n, came: this.count.came + 1 });
    for (const known of [n, ...this.#fetched]) this.fetch(known);
  }
  fetch(n: number): void { // what was not delivered but asked for
    if (n > this.count.newest) return void this.#fetched.add(n);
    this.#fetched.delete(n);
    const { came, late } = this.count;
    if (this.#missing.delete(n)) Object.assign(this.count, { came: came + 1, late: late + 1 });
  }
  lostAfter = (mark: number): number => [...this.#missing].filter((n) => n > mark).length;
}
