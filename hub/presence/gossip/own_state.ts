/**
 * The entries that this node writes: those of its own connections, of which no other node says anything.
 *
 * @module
 */

import type { PresenceEntry } from "../place.ts";
import { type OwnOp, RecentOps } from "./recent_ops.ts";

/** How many changes are remembered however few entries there are. */
const MIN_RECENT = 1_024;

/** The entries of this node, in the version that each change makes. */
export class OwnState {
  readonly #places = new Map<string, Map<string, PresenceEntry>>();
  readonly #recent = new RecentOps();
  #size = 0;

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** How many changes there were. */
  get version(): number {
    return this.#recent.version;
  }

  /** A connection is in a place, or has another state there. */
  put(place: string, entry: PresenceEntry): void {
    let entries = this.#places.get(place);
    if (!entries) this.#places.set(place, entries = new Map());
    if (!entries.has(entry.id)) this.#size++;
    entries.set(entry.id, entry);
    this.#note(place, entry);
  }

  /** A connection is not in a place any more. Tells whether it was. */
  drop(place: string, id: string): boolean {
    const entries = this.#places.get(place);
    if (!entries?.delete(id)) return false;
    if (entries.size === 0) this.#places.delete(place);
    this.#size--;
    this.#note(place, id);
    return true;
  }

  /** Whether all changes since a version are remembered. */
  remembers(version: number): boolean {
    return version >= this.#recent.floor;
  }

  /**
   * What has changed since a version; see {@linkcode RecentOps.since}.
   *
   * @returns `undefined` also where it is more than all entries are.
   */
  since(version: number): readonly OwnOp[] | undefined {
    return this.version - version > this.#maxRecent ? undefined : this.#recent.since(version);
  }

  /** All entries, place by place. */
  *all(): Iterable<OwnOp> {
    const { version } = this;
    for (const [place, entries] of this.#places) {
      for (const what of entries.values()) yield { version, place, what };
    }
  }

  /** Forgets all of it. */
  clear(): void {
    this.#places.clear();
    this.#recent.clear();
    this.#size = 0;
  }

  #note(place: string, what: PresenceEntry | string): void {
    this.#recent.add(place, what, this.#maxRecent);
  }

  get #maxRecent(): number {
    return Math.max(MIN_RECENT, this.#size);
  }
}
