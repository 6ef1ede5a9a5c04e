/**
 * Counts by name.
 *
 * @module
 */

/** Counts things by their names. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Counts one, or some. */
  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  /** Counts what another has counted. */
  addAll(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.add(name, count);
  }

  /** How many of a name. */
  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** All of them, the most frequent first. */
  get all(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([, a], [, b]) => b - a));
  }
}

/** The text of an error without its variable parts: numbers, quoted names and addresses. */
export function kindOf(error: unknown): string {
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  return `${code ?? name}: ${String(message).replaceAll(/"[^"]*"/g, '"…"').replaceAll(/\d+/g, "N")}`;
}
