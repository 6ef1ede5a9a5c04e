/**
 * The entries that this node writes: those of its own connections, of which no other node says anything.
 *
 * @module
 */

import type { PresenceEntry } from "../place.ts";
import type { Places } from "../places.ts";
import { type OwnOp, RecentOps } from "./recent_ops.ts";

/** How many changes are remembered however few entries there are. */
const MIN_RECENT = 1_024;

/** What {@linkcode OwnState} needs. */
export interface OwnStateOptions {
  /** This node. */
  readonly nodeId: string;
  /** Where its entries are shown. */
  readonly places: Places;
  /** Whether changes are remembered: there may be somebody who asks for them. */
  readonly remembers: boolean;
}

/** The entries of this node, in the version that each change makes. */
export class OwnState {
  readonly #options: OwnStateOptions;
  /** In which places there are entries, and how many. */
  readonly #counts = new Map<string, number>();
  readonly #recent = new RecentOps();
  #size = 0;

  /** @param options What it needs. */
  constructor(options: OwnStateOptions) {
    this.#options = options;
  }

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
    const { places } = this.#options;
    if (!places.get(place)?.get(entry.id)) this.#count(place, 1);
    this.#note(place, entry);
    places.put(place, entry);
  }

  /** A connection is not in a place any more. Tells whether it was. */
  drop(place: string, id: string): boolean {
    const { places, nodeId } = this.#options;
    if (places.get(place)?.get(id)?.node !== nodeId) return false;
    this.#count(place, -1);
    this.#note(place, id);
    return places.drop(place, id);
  }

  /** Whether all changes since a version are remembered. */
  remembers(version: number): boolean {
    return version >= this.#recent.floor;
  }

  /**
   * What has changed since a version; see {@linkcode RecentOps.since}.
   *
   * @returns `undefined` also where these are many, and not fewer than all entries.
   */
  since(version: number, max?: number): readonly OwnOp[] | undefined {
    const changes = this.version - version;
    if (changes > MIN_RECENT && changes >= this.#size) return undefined;
    return this.#recent.since(version, max);
  }

  /** Whether most entries are still what they were in a version. */
  resembles(version: number): boolean {
    return this.version - version <= Math.max(MIN_RECENT, this.#size / 4);
  }

  /** All entries, place by place. Looks at those of other nodes too, which are in the same places. */
  *all(): Iterable<OwnOp> {
    const { places, nodeId } = this.#options;
    const { version } = this;
    for (const place of this.#counts.keys()) {
      for (const what of places.get(place)!.entries()) {
        if (what.node === nodeId) yield { version, place, what };
      }
    }
  }

  /** Forgets all of it. */
  clear(): void {
    this.#counts.clear();
    this.#recent.clear();
    this.#size = 0;
  }

  #count(place: string, change: 1 | -1): void {
    const count = (this.#counts.get(place) ?? 0) + change;
    if (count > 0) this.#counts.set(place, count);
    else this.#counts.delete(place);
    this.#size += change;
  }

  #note(place: string, what: PresenceEntry | string): void {
    this.#recent.add(place, what, this.#options.remembers ? this.#maxRecent : 0);
  }

  get #maxRecent(): number {
    return Math.max(MIN_RECENT, this.#size);
  }
}
