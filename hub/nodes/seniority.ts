/**
 * Who was there first, without a clock: each node takes a rank behind those that it finds. The least rank leads. See
 * docs/decisions/0027-ranks-instead-of-clocks.md.
 *
 * @module
 */

import { MAX_RANK, type NodeCard } from "../backplane/bus_wire.ts";

/** A node and its rank. */
export interface Ranked {
  /** The node. */
  readonly id: string;
  /** Its rank; 0 while it has none. */
  readonly rank: number;
}

/** Whether one node is senior to another: by rank, those without one last; among equals the lesser id. */
export function isSenior(a: Ranked, b: Ranked): boolean {
  if (a.rank === b.rank) return a.id < b.id;
  return b.rank === 0 || (a.rank !== 0 && a.rank < b.rank);
}

/** What a node says of its place. */
export type Place = Pick<NodeCard, "rank" | "highest" | "leader">;

/** The rank of this node. */
export class Seniority {
  readonly #id: string;
  #rank = 0;
  #highest = 0;
  /** Whether it has ever met another node. */
  #met = false;
  #settled = false;
  /** Whether it has found nodes that had a rank before it came. */
  #found = false;
  /** The rank that nodes took which had none when it came: they began together, and the order of their ids goes on. */
  #shared = 0;

  /** @param id This node. */
  constructor(id: string) {
    this.#id = id;
  }

  /** The highest rank that it has heard of. */
  get highest(): number {
    return this.#highest;
  }

  /** The rank; 0 while there is none. */
  get rank(): number {
    return this.#rank;
  }

  /**
   * This node has asked who is there, and waited for the answers: whoever comes from now on comes later.
   *
   * @returns Whether its rank is another now.
   */
  settle(): boolean {
    this.#settled = true;
    return this.#join();
  }

  /**
   * A node says where it stands.
   *
   * @param card What it says.
   * @param before The rank that it was known to have; `undefined` when this is its first word.
   * @returns Whether the rank of this node is another now.
   */
  hear({ rank, highest, leader }: Place, before: number | undefined): boolean {
    this.#highest = Math.max(this.#highest, rank, highest);
    const alone = !this.#met;
    this.#met = true;
    if (this.#rank === 0) {
      if (rank > 0 && before === 0) this.#shared = Math.max(this.#shared, rank);
      else if (rank > 0) this.#found = true;
      if (!this.#settled) return false; // others may have more to say
      return this.#join() || (rank === 0 && before === undefined && this.#take(this.#highest + 1));
    }
    // Alone so far, it comes to nodes that have an order of their own.
    return alone && rank > 0 && leader !== this.#id && this.#take(this.#highest + 1);
  }

  /**
   * Some time has passed. Takes a rank if it has none and would lead.
   *
   * @param others The nodes that are there.
   * @returns Whether the rank of this node is another now.
   */
  beat(others: Iterable<Ranked>): boolean {
    const self = { id: this.#id, rank: this.#rank };
    if (this.#rank > 0 || !this.#settled) return false;
    for (const other of others) if (isSenior(other, self)) return false;
    return this.#take(this.#highest + 1);
  }

  /** Takes a rank where others have one: behind those that were there before, or that of those that came with it. */
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
