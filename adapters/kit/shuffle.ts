/**
 * Puts lists into random order, so that nodes do not all try the same server first.
 *
 * @module
 */

/**
 * Copies a list into a random order.
 *
 * @param items The list; it does not change.
 */
export function shuffled<T>(items: readonly T[]): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
