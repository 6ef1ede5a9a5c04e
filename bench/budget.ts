/**
 * How long rows are measured.
 *
 * @module
 */

/** A control or peer gets no further round when its runs have taken this long, in milliseconds. The slowest ones took a third of all the time. */
const PEER_BUDGET_MS = 5_000;

/** Whose a row is. */
type Kind = "trunkline" | "control" | "peer";

interface Spent {
  readonly kind: Kind;
  ms: number;
  runs: number;
}

/** The time that rows have taken, and may take. */
export class Budget {
  readonly #withinMs: number;
  readonly #now: () => number;
  readonly #spent = new Map<object, Spent>();

  /**
   * @param withinMs The time for all rounds, in milliseconds.
   * @param now The clock, in milliseconds.
   */
  constructor(withinMs = Infinity, now = (): number => performance.now()) {
    this.#withinMs = withinMs;
    this.#now = now;
  }

  /**
   * Yields the numbers of the rounds, from 0. Another round begins only if there is time for it, so that a slow machine
   * measures less often instead of longer. The first one always begins.
   *
   * @param most The most rounds.
   */
  *rounds(most: number): Generator<number> {
    const start = this.#now();
    for (let round = 0; round < most; round++) {
      if (round > 0 && this.#now() - start + this.#nextMs() > this.#withinMs) return;
      yield round;
    }
  }

  /** How long the next round will take, if each row takes as long as before. */
  #nextMs(): number {
    return [...this.#spent.values()].filter(hasTime).reduce((sum, { ms, runs }) => sum + ms / runs, 0);
  }

  /**
   * Measures a row once more, unless it is of a control or peer whose time is used up.
   *
   * @param row The row.
   * @param kind Whose it is.
   * @param measure Measures it.
   */
  async spend(row: object, kind: Kind, measure: () => Promise<void>): Promise<void> {
    const spent = this.#spent.get(row) ?? { kind, ms: 0, runs: 0 };
    if (!hasTime(spent)) return;
    const start = this.#now();
    await measure();
    spent.ms += this.#now() - start;
    spent.runs++;
    this.#spent.set(row, spent);
  }
}

const hasTime = ({ kind, ms }: Spent): boolean => kind === "trunkline" || ms <= PEER_BUDGET_MS;
