/**
 * Which nodes a starting node must wait for. Until all other nodes know it, their queries may miss its clients. So it
 * takes clients only after that.
 *
 * @module
 */

/** Tracks the nodes of the cluster, and which of them know the starting node. */
export class Greeting {
  readonly #done = Promise.withResolvers<void>();
  readonly #confirmed = new Set<string>();
  readonly #awaited = new Set<string>();
  #listeners: number | undefined;
  /** Whether a node that has finished its start has answered. */
  #informed = false;

  /** Resolves when all nodes have answered, or `end` was called. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /**
   * Takes the backplane's count of nodes.
   *
   * @param listeners The number of nodes, this one included.
   */
  count(listeners: number): void {
    this.#listeners = listeners;
    this.#check();
  }

  /**
   * Takes the answer of a node: it knows this one.
   *
   * @param id The node.
   * @param knows The other nodes that it knows; they get this node's greeting too. `null` when the node is starting
   * itself and may not know all nodes.
   */
  answered(id: string, knows: readonly string[] | null): void {
    this.#confirmed.add(id);
    this.#awaited.delete(id);
    this.#informed ||= knows !== null;
    for (const other of knows ?? []) this.await(other);
    this.#check();
  }

  /**
   * Adds a node to wait for.
   *
   * @returns Whether its answer is still missing.
   */
  await(id: string): boolean {
    if (this.#confirmed.has(id)) return false;
    this.#awaited.add(id);
    return true;
  }

  /** A node has left: stops waiting for it. */
  left(id: string): void {
    this.#awaited.delete(id);
    this.#check();
  }

  /** Stops waiting. */
  end(): void {
    this.#done.resolve();
  }

  /** Without a count, a slow node cannot be noticed. Then a node that has finished its start must name all others. */
  #check(): void {
    const complete = this.#listeners === undefined
      ? this.#informed
      : this.#confirmed.size >= this.#listeners - 1;
    if (complete && this.#awaited.size === 0) this.end();
  }
}
