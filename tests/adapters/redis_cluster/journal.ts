/**
 * What happens in a run, for the error when something is missing at its end.
 *
 * @module
 */

/** The most lines of a story. */
const MAX_LINES = 60;

/** Lines about slots. */
export class Journal {
  readonly #lines: { readonly slot: number | undefined; readonly text: string }[] = [];

  /** All lines. */
  get text(): string {
    return this.#lines.map(({ slot, text }) => `${slot ?? "all"}: ${text}`).join("\n");
  }

  /**
   * Writes a line.
   *
   * @param slot The slot that it is about; without it, it is about all.
   * @param text What happens.
   */
  note(slot: number | undefined, text: string): void {
    this.#lines.push({ slot, text });
  }

  /**
   * The lines about a slot, but no more than a reader likes.
   *
   * @param slot The slot.
   * @param from The text of the first of these lines.
   */
  story(slot: number, from: string): string {
    const lines = this.#lines.filter((line) => line.slot === slot || line.slot === undefined);
    const start = lines.findIndex(({ text }) => text === from);
    return lines.slice(start, start + MAX_LINES).map(({ text }) => `  ${text}`).join("\n");
  }
}
