/**
 * The entries of this node's own connections. No other node changes them.
 *
 * @module
 */

import type { PresenceEntry } from "../place.ts";
import type { Places } from "../places.ts";
import { type OwnOp, RecentOps } from "./recent_ops.ts";

/** How many changes are remembered at least, even with few entries. */
const MIN_RECENT = 1_024;

/** The options of {@linkcode OwnState}. */
export interface OwnStateOptions {
  /** This node. */
  readonly nodeId: string;
  /** The places that show its entries. */
  readonly places: Places;
  /** Whether to remember changes, because other nodes may ask for them. */
  readonly remembers: boolean;
}

/** The entries of this node. Each change makes a new version. */
export class OwnState {
  readonly #options: OwnStateOptions;
  /** The number of entries in each place. */
  readonly #counts = new Map<string, number>();
  readonly #recent = new RecentOps();
  #size = 0;

  /** @param options Its options. */
  constructor(options: OwnStateOptions) {
    this.#options = options;
  }

  /** The number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The present version: the number of changes so far. */
  get version(): number {
    return this.#recent.version;
  }

  /** A connection has come into a place, or has a new state there. */
  put(place: string, entry: PresenceEntry): void {
    const { places } = this.#options;
    if (!places.get(place)?.get(entry.id)) this.#count(place, 1);
    this.#note(place, entry);
    places.put(place, entry);
  }

  /** A connection has left a place. Returns whether it was in. */
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
   * The changes since a version; see {@linkcode RecentOps.since}.
   *
   * @returns Also `undefined` when there are many changes, at least as many as entries.
   */
  since(version: number, max?: number): readonly OwnOp[] | undefined {
    const changes = this.version - version;
    if (changes > MIN_RECENT && changes >= this.#size) return undefined;
    return this.#recent.since(version, max);
  }

  /** Whether most entries are the same as in a version. */
  resembles(version: number): boolean {
    return this.version - version <= Math.max(MIN_RECENT, this.#size / 4);
  }

  /** All entries, place by place. The loop also visits entries of other nodes in the same places. */
  *all(): Iterable<OwnOp> {
    const { places, nodeId } = this.#options;
    const { version } = this;
    for (const place of this.#counts.keys()) {
      for (const what of places.get(place)!.entries()) {
        if (what.node === nodeId) yield { version, place, what };
      }
    }
  }

  /** Forgets all entries. */
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
