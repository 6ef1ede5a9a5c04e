/**
 * The order in which nodes joined, without clocks. Each node takes a rank after the nodes that it finds. The node with
 * the lowest rank leads. See docs/decisions/0027-ranks-instead-of-clocks.md.
 *
 * @module
 */

import { MAX_RANK, type NodeCard } from "../backplane/bus_wire.ts";

/** A node and its rank. */
export interface Ranked {
  /** The node. */
  readonly id: string;
  /** Its rank; 0 while it has no rank. */
  readonly rank: number;
}

/** Whether node `a` is senior to `b`: by the lower rank, then by the lesser id. A node without a rank comes last. */
export function isSenior(a: Ranked, b: Ranked): boolean {
  if (a.rank === b.rank) return a.id < b.id;
  return b.rank === 0 || (a.rank !== 0 && a.rank < b.rank);
}

/** The part of a node's card about ranks. */
export type Place = Pick<NodeCard, "rank" | "highest" | "leader">;

/** The rank of this node. */
export class Seniority {
  readonly #id: string;
  #rank = 0;
  #highest = 0;
  /** Whether this node has ever met another node. */
  #met = false;
  #settled = false;
  /** Whether this node has met nodes that had a rank before it joined. */
  #found = false;
  /** The rank of nodes that started together with this one. They share it, and the order of their ids decides. */
  #shared = 0;

  /** @param id This node. */
  constructor(id: string) {
    this.#id = id;
  }

  /** The highest known rank. */
  get highest(): number {
    return this.#highest;
  }

  /** The rank; 0 while this node has no rank. */
  get rank(): number {
    return this.#rank;
  }

  /**
   * This node has announced itself and waited for the answers. Nodes that join from now on come later.
   *
   * @returns Whether its rank has changed.
   */
  settle(): boolean {
    this.#settled = true;
    return this.#join();
  }

  /**
   * Takes the card of another node.
   *
   * @param card The card.
   * @param before The last known rank of that node; `undefined` for its first card.
   * @returns Whether the rank of this node has changed.
   */
  hear({ rank, highest, leader }: Place, before: number | undefined): boolean {
    this.#highest = Math.max(this.#highest, rank, highest);
    const alone = !this.#met;
    this.#met = true;
    if (this.#rank === 0) {
      if (rank > 0 && before === 0) this.#shared = Math.max(this.#shared, rank);
      else if (rank > 0) this.#found = true;
      if (!this.#settled) return false; // more answers may come
      return this.#join() || (rank === 0 && before === undefined && this.#take(this.#highest + 1));
    }
    // This node was alone so far, and meets nodes that have an order already: it goes to the end.
    return alone && rank > 0 && leader !== this.#id && this.#take(this.#highest + 1);
  }

  /**
   * Called at each heartbeat. Takes a rank if this node has no rank and would lead.
   *
   * @param others The other nodes.
   * @returns Whether the rank of this node has changed.
   */
  beat(others: Iterable<Ranked>): boolean {
    const self = { id: this.#id, rank: this.#rank };
    if (this.#rank > 0 || !this.#settled) return false;
    for (const other of others) if (isSenior(other, self)) return false;
    return this.#take(this.#highest + 1);
  }

  /** Takes a rank if other nodes have one: after the earlier nodes, or the rank of the nodes that started together. */
  #join(): boolean {
    if (this.#found) return this.#take(this.#highest + 1);
    return this.#shared > 0 && this.#take(this.#shared);
  }

  #take(rank: number): boolean {
    this.#rank = Math.min(rank, MAX_RANK);
    this.#highest = Math.max(this.#highest, this.#rank);
    return true;
  }
}
