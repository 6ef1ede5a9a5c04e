/**
 * One place in memory.
 *
 * @module
 */

import type { Position, PresenceBy } from "../../contract/mod.ts";
import type {
  PlaceWrite,
  PlaceWritten,
  StoredEntry,
  StoredEntryPage,
  StoredEntryQuery,
} from "../presence_store.ts";

const memberOf = ({ user, id }: StoredEntry) => user ?? id;

/** The members of one place. */
export class MemoryPlace {
  readonly #epoch: string = crypto.randomUUID();
  readonly #entries = new Map<string, StoredEntry>();
  /** The connections of each user. Anonymous connections are not here. */
  readonly #users = new Map<string, Set<string>>();
  /** The ids of each node's connections. */
  readonly #nodes = new Map<string, Set<string>>();
  /** The sorted ids, until a member joins or leaves. */
  readonly #sorted = new Map<PresenceBy, readonly string[]>();
  #number = 0;
  #anonymous = 0;

  /** The version of the place. */
  get version(): Position {
    return [this.#epoch, this.#number];
  }

  /** Whether the place has no members. */
  get empty(): boolean {
    return this.#entries.size === 0;
  }

  /** The number of members. */
  count(by: PresenceBy): number {
    return by === "connection" ? this.#entries.size : this.#users.size + this.#anonymous;
  }

  /** The number of a node's connections in the place. */
  countOf(node: string): number {
    return this.#nodes.get(node)?.size ?? 0;
  }

  /** See `PresenceStore.write`. */
  write(node: string, { put, drop, all }: PlaceWrite): PlaceWritten {
    const kept = new Set(put.map(({ id }) => id));
    const gone = all ? [...this.#nodes.get(node) ?? []].filter((id) => !kept.has(id)) : drop;
    const dropped = gone.filter((id) => this.#entries.get(id)?.node === node && this.#remove(id));
    let changed = dropped.length > 0;
    for (const entry of put) changed = this.#put(entry) || changed;
    if (changed) this.#number++;
    return { version: this.version, changed, dropped };
  }

  /** Removes all connections of a node. Returns their ids. */
  purge(node: string): readonly string[] {
    const ids = [...this.#nodes.get(node) ?? []];
    for (const id of ids) this.#remove(id);
    if (ids.length > 0) this.#number++;
    return ids;
  }

  /** See `PresenceStore.read`. */
  read({ by, limit, cursor }: StoredEntryQuery): StoredEntryPage {
    const ids = this.#ids(by);
    const start = cursor === undefined ? 0 : after(ids, cursor);
    const page = ids.slice(start, start + limit);
    const more = start + limit < ids.length;
    return {
      version: this.version,
      entries: page.map((id) => this.#shown(by, id)),
      count: this.count(by),
      ...(more && { cursor: page.at(-1)! }),
    };
  }

  #ids(by: PresenceBy): readonly string[] {
    const known = this.#sorted.get(by);
    if (known) return known;
    const ids = by === "connection"
      ? this.#entries.keys()
      : new Set(this.#entries.values().map(memberOf)).values();
    const sorted = [...ids].sort();
    this.#sorted.set(by, sorted);
    return sorted;
  }

  #shown(by: PresenceBy, id: string): StoredEntry {
    const all = by === "user" ? this.#users.get(id) : undefined;
    if (!all) return this.#entries.get(id)!;
    let first: StoredEntry | undefined;
    for (const one of all) {
      const entry = this.#entries.get(one)!;
      if (!first || entry.at > first.at || (entry.at === first.at && entry.id > first.id)) first = entry;
    }
    return first!;
  }

  #put(entry: StoredEntry): boolean {
    const { id, user, node, state, at } = entry;
    const known = this.#entries.get(id);
    if (known && known.user === user && known.node === node && known.state === state && known.at === at) {
      return false;
    }
    if (known) this.#remove(id);
    this.#entries.set(id, entry);
    if (user === undefined) this.#anonymous++;
    else add(this.#users, user, id);
    add(this.#nodes, node, id);
    this.#sorted.clear();
    return true;
  }

  #remove(id: string): boolean {
    const entry = this.#entries.get(id);
    if (!entry) return false;
    this.#entries.delete(id);
    if (entry.user === undefined) this.#anonymous--;
    else remove(this.#users, entry.user, id);
    remove(this.#nodes, entry.node, id);
    this.#sorted.clear();
    return true;
  }
}

/** The index of the first id that is greater than this one. */
function after(sorted: readonly string[], id: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle]! > id) to = middle;
    else from = middle + 1;
  }
  return from;
}

function add(sets: Map<string, Set<string>>, key: string, id: string): void {
  const known = sets.get(key);
  if (known) known.add(id);
  else sets.set(key, new Set([id]));
}

function remove(sets: Map<string, Set<string>>, key: string, id: string): void {
  const known = sets.get(key);
  known?.delete(id);
  if (known?.size === 0) sets.delete(key);
}
