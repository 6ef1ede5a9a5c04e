/**
 * The latest changes of this node's entries. A node that missed some of them gets these, and not the whole state.
 *
 * @module
 */

import type { PresenceEntry } from "../place.ts";

/** A change: a connection came, has a new state, or left. */
export interface OwnOp {
  /** The version that it made. */
  readonly version: number;
  /** The place. */
  readonly place: string;
  /** The entry; the id of a connection that left. */
  readonly what: PresenceEntry | string;
}

/** How many items at the start of the lists may be empty before they are cut off. */
const MAX_EMPTY = 1_024;

/** The latest changes. Each change makes a version that is higher by one. */
export class RecentOps {
  // Two lists instead of one list of objects, to save memory: there can be a change for each entry.
  #places: string[] = [];
  #whats: (PresenceEntry | string)[] = [];
  /** The index of the oldest kept change. */
  #start = 0;
  #version = 0;

  /** The version of the last change. */
  get version(): number {
    return this.#version;
  }

  /** The lowest version after which all changes are kept. */
  get floor(): number {
    return this.#version - (this.#places.length - this.#start);
  }

  /**
   * Adds a change.
   *
   * @param max How many changes may be kept.
   */
  add(place: string, what: PresenceEntry | string, max: number): void {
    this.#version++;
    this.#places.push(place);
    this.#whats.push(what);
    while (this.#places.length - this.#start > max) {
      this.#places[this.#start] = "";
      this.#whats[this.#start++] = ""; // so that the entry can be freed
    }
    if (this.#start < MAX_EMPTY || this.#start * 2 < this.#places.length) return;
    this.#places = this.#places.slice(this.#start);
    this.#whats = this.#whats.slice(this.#start);
    this.#start = 0;
  }

  /**
   * The changes since a version, in order. For each connection and place, only the last change.
   *
   * @param version The version.
   * @param max How many changes after it to look at.
   * @returns `undefined` when some of the changes are no longer kept.
   */
  since(version: number, max = Infinity): readonly OwnOp[] | undefined {
    const { floor } = this;
    if (version < floor) return undefined;
    const ops: OwnOp[] = [];
    const seen = new Map<string, Set<string>>();
    const newest = this.#places.length - 1;
    const first = this.#start + version - floor;
    for (let i = Math.min(newest, first + max - 1); i >= first; i--) {
      const place = this.#places[i]!, what = this.#whats[i]!;
      let ids = seen.get(place);
      if (!ids) seen.set(place, ids = new Set());
      const id = typeof what === "string" ? what : what.id;
      if (ids.has(id)) continue;
      ids.add(id);
      ops.push({ version: this.#version - (newest - i), place, what });
    }
    return ops.reverse();
  }

  /** Forgets all changes. */
  clear(): void {
    this.#places = [];
    this.#whats = [];
    this.#start = 0;
  }
}
