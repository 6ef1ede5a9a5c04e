/**
 * What this window knows of the nodes: presence tells who is where by the hubs' own ids.
 *
 * @module
 */

import type { ClusterView } from "../contract.ts";

/** The nodes that this window has heard of. */
export class KnownNodes {
  /** They stay: people may be on a node that is gone, until the others have noticed. */
  readonly #numbers = new Map<string, number>();
  #view: ClusterView | undefined;

  /** Takes what a node tells. */
  learn(view: ClusterView): void {
    this.#view = view;
    for (const { id, number } of [...view.loads, ...view.silent]) {
      if (number > 0) this.#numbers.set(id, number);
    }
  }

  /** The number of a node; absent for one that was just started. */
  numberOf(id: string): number | undefined {
    return this.#numbers.get(id);
  }

  /** What is wrong with a node, as it concerns the people on it. */
  troubleOf(id: string): string | undefined {
    const number = this.#numbers.get(id);
    if (!this.#view || number === undefined) return undefined;
    const { you, backplane, slots, loads, silent } = this.#view;
    const answers = loads.some((load) => load.id === id);
    if (answers && number === you) return undefined;
    if (backplane === "down") return "out of reach";
    if (slots[number - 1]?.state === "stopped") return "leaving…";
    if (answers) return undefined;
    return silent.some((node) => node.id === id) ? "no answer" : "leaving…";
  }
}
