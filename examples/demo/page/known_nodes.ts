/**
 * The nodes that this window knows. Presence names nodes by the hubs' own ids.
 *
 * @module
 */

import type { ClusterView } from "../contract.ts";

/** The known nodes. */
export class KnownNodes {
  /** Dead nodes stay in it: presence may still list people on a node that is gone. */
  readonly #numbers = new Map<string, number>();
  #view: ClusterView | undefined;

  /** Takes the report of a node. */
  learn(view: ClusterView): void {
    this.#view = view;
    for (const { id, number } of [...view.loads, ...view.silent]) {
      if (number > 0) this.#numbers.set(id, number);
    }
  }

  /** The number of a node; `undefined` for a node that has just started. */
  numberOf(id: string): number | undefined {
    return this.#numbers.get(id);
  }

  /** The trouble of a node, as a text for the people on it. */
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
