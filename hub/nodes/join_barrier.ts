/**
 * Whom a node that starts has to wait for: until all who are there have heard of it, what they ask the cluster may
 * miss its clients, so it takes none.
 *
 * @module
 */

/** Which nodes are there, and which of them know the one that starts. */
export class Greeting {
  readonly #done = Promise.withResolvers<void>();
  readonly #confirmed = new Set<string>();
  readonly #awaited = new Set<string>();
  #listeners: number | undefined;
  /** Whether one who knows all has answered. */
  #informed = false;

  /** Resolves when everybody has answered, or `end` was called. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /**
   * The backplane has counted.
   *
   * @param listeners How many nodes there are, this one included.
   */
  count(listeners: number): void {
    this.#listeners = listeners;
    this.#check();
  }

  /**
   * A node has answered: it knows this one.
   *
   * @param id The node.
   * @param knows The nodes that it knows of, which have been greeted too; `null` when it is starting as well, and does
   * not know them all.
   */
  answered(id: string, knows: readonly string[] | null): void {
    this.#confirmed.add(id);
    this.#awaited.delete(id);
    this.#informed ||= knows !== null;
    for (const other of knows ?? []) this.await(other);
    this.#check();
  }

  /**
   * A node is there.
   *
   * @returns Whether it has yet to answer.
   */
  await(id: string): boolean {
    if (this.#confirmed.has(id)) return false;
    this.#awaited.add(id);
    return true;
  }

  /** A node has left: nobody waits for it. */
  left(id: string): void {
    this.#awaited.delete(id);
    this.#check();
  }

  /** Stops waiting. */
  end(): void {
    this.#done.resolve();
  }

  /** Where nobody has counted, silence may be that of one who is slow: only one who knows can tell who is there. */
  #check(): void {
    const complete = this.#listeners === undefined
      ? this.#informed
      : this.#confirmed.size >= this.#listeners - 1;
    if (complete && this.#awaited.size === 0) this.end();
  }
}
