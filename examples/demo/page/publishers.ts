/**
 * Knows which node has published each number. A node may die when its own clients have a message and the other nodes do not:
 * then the next node publishes this number too. These are two messages, and each came once.
 *
 * @module
 */

/** For how many numbers it knows the node. */
const MAX_KNOWN = 512;

/** The publishers of one topic. */
export class Publishers {
  readonly #nodes = new Map<number, number>();

  /** Takes a number. Returns whether another node had published it before. */
  isOther(n: number, node: number): boolean {
    const isOther = (this.#nodes.get(n) ?? node) !== node;
    this.#nodes.set(n, node);
    if (this.#nodes.size > MAX_KNOWN) this.#nodes.delete(this.#nodes.keys().next().value!);
    return isOther;
  }
}
