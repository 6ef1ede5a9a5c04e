/**
 * An order that differs from node to node, and from time to time.
 *
 * @module
 */

/**
 * Copies a list into a random order.
 *
 * @param items The list; it stays as it is.
 */
export function shuffled<T>(items: readonly T[]): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
