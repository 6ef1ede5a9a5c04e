/**
 * How long controls and peers are measured.
 *
 * @module
 */

/** A control or peer gets no further round when its runs have taken this long, in milliseconds. The slowest ones took a third of all the time. */
const PEER_BUDGET_MS = 5_000;

/** The time that rows have taken. */
export class Budget {
  readonly #spentMs = new Map<object, number>();

  /**
   * Measures a row once more, unless it is of a control or peer whose time is used up.
   *
   * @param row The row.
   * @param kind Whose it is.
   * @param measure Measures it.
   */
  async spend(
    row: object,
    kind: "trunkline" | "control" | "peer",
    measure: () => Promise<void>,
  ): Promise<void> {
    const spent = this.#spentMs.get(row) ?? 0;
    if (kind !== "trunkline" && spent > PEER_BUDGET_MS) return;
    const start = performance.now();
    await measure();
    this.#spentMs.set(row, spent + performance.now() - start);
  }
}
