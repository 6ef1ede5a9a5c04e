/**
 * What has changed lately among the entries of this node, so that another one that missed some of it need not be told
 * everything.
 *
 * @module
 */

import type { PresenceEntry } from "../place.ts";

/** A change: a connection came or has another state, or left. */
export interface OwnOp {
  /** The version that it made. */
  readonly version: number;
  /** The place. */
  readonly place: string;
  /** The entry; the id of a connection that left. */
  readonly what: PresenceEntry | string;
}

/** How many places of a list may be empty at its beginning before they are cut off. */
const MAX_EMPTY = 1_024;

/** The last changes, each of which makes a version that is higher by one. */
export class RecentOps {
  // Two lists in place of one of objects: there is an op for each entry.
  #places: string[] = [];
  #whats: (PresenceEntry | string)[] = [];
  /** Where the oldest op is that is kept. */
  #start = 0;
  #version = 0;

  /** The version that the last change made. */
  get version(): number {
    return this.#version;
  }

  /** The lowest version after which all changes are known. */
  get floor(): number {
    return this.#version - (this.#places.length - this.#start);
  }

  /**
   * Adds a change.
   *
   * @param max How many may be kept.
   */
  add(place: string, what: PresenceEntry | string, max: number): void {
    this.#version++;
    this.#places.push(place);
    this.#whats.push(what);
    while (this.#places.length - this.#start > max) {
      this.#places[this.#start] = "";
      this.#whats[this.#start++] = ""; // it keeps no entry alive
    }
    if (this.#start < MAX_EMPTY || this.#start * 2 < this.#places.length) return;
    this.#places = this.#places.slice(this.#start);
    this.#whats = this.#whats.slice(this.#start);
    this.#start = 0;
  }

  /**
   * What has changed since a version, of each connection and place the last change only, in their order.
   *
   * @param version The version.
   * @param max How many changes after it are looked at.
   * @returns `undefined` when not all of it is known any more.
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

  /** Forgets all. */
  clear(): void {
    this.#places = [];
    this.#whats = [];
    this.#start = 0;
  }
}
