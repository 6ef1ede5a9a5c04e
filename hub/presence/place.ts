/**
 * The members of one place (a room or a topic), as this node knows them: connections, and their users.
 *
 * @module
 */

import type { PresenceBy } from "../../contract/mod.ts";

/** A connection in a place. It is never changed: a new state makes a new entry. */
export interface PresenceEntry {
  /** The connection. */
  readonly id: string;
  /** Its user; `undefined` when anonymous. */
  readonly user: string | undefined;
  /** The node that serves it. */
  readonly node: string;
  /** Its state, parsed; `undefined` until one is set. */
  readonly state: unknown;
  /**
   * When its state was set, in milliseconds by the wall clock of its node. The newest state of a user counts. Entries
   * that are given to a source count from 1970. Inside a source, all entries may count from another moment.
   */
  readonly at: number;
}

/** A change of one connection: it came (no `before`), left (no `after`), or has a new state. */
export interface PlaceChange {
  readonly before?: PresenceEntry;
  readonly after?: PresenceEntry;
  /** The entry that was shown for its user before: this connection or another one. */
  readonly showed?: PresenceEntry;
}

/** The id of a connection's member: its user, or itself when it is anonymous. */
export const memberOf = ({ user, id }: PresenceEntry): string => user ?? id;

/**
 * Whether connection `a` is shown for its user, rather than `b`: it has the newer state. With equal times, always the
 * same one is shown. A connection with a state is shown before one without, such as a new tab.
 */
function shows(a: PresenceEntry, b: PresenceEntry): boolean {
  const [isSet, isOtherSet] = [a.state !== undefined, b.state !== undefined];
  if (isSet !== isOtherSet) return isSet;
  return a.at > b.at || (a.at === b.at && a.id > b.id);
}

/** The latest time of a JavaScript date. A later time comes from a broken clock, and is not raised further. */
const LATEST = 8.64e15;

/**
 * Returns an entry with a time that makes its state the newest of its user, even when the clocks of nodes differ.
 *
 * @param place The place, as far as it is known.
 * @param entry The entry.
 */
export function asNewest(place: Place | undefined, entry: PresenceEntry): PresenceEntry {
  const { user, state, at } = entry;
  const newest = user === undefined || state === undefined ? undefined : place?.of(user)[0];
  if (newest?.state === undefined || newest.at < at || newest.at > LATEST) return entry;
  return { ...entry, at: newest.at + 1 };
}

/** A room or a topic, and its members. */
export class Place {
  /** The channel of its room or topic: `room:lobby`, `topic:ticker/ACME`. */
  readonly name: string;
  readonly #entries = new Map<string, PresenceEntry>();
  /** By user: one connection, or several with the shown one first. Anonymous connections are not in it. */
  readonly #users = new Map<string, PresenceEntry | readonly PresenceEntry[]>();
  readonly #listeners = new Set<(change: PlaceChange) => void>();
  #anonymous = 0;
  /** How many anonymous connections have the id of a user in this place. The two are one member: the user is shown. */
  #hidden = 0;

  /** @param name The channel of its room or topic. */
  constructor(name: string) {
    this.name = name;
  }

  /** The number of members. */
  count(by: PresenceBy): number {
    return by === "connection" ? this.#entries.size : this.#users.size + this.#anonymous - this.#hidden;
  }

  /** A connection. */
  get(id: string): PresenceEntry | undefined {
    return this.#entries.get(id);
  }

  /** All connections. */
  entries(): IterableIterator<PresenceEntry> {
    return this.#entries.values();
  }

  /** The connection that is shown for a member. */
  member(by: PresenceBy, id: string): PresenceEntry | undefined {
    if (by === "connection") return this.#entries.get(id);
    const known = this.#users.get(id);
    if (known) return first(known);
    const entry = this.#entries.get(id);
    return entry?.user === undefined ? entry : undefined;
  }

  /** The connections of a user, with the shown one first. */
  of(user: string): readonly PresenceEntry[] {
    const known = this.#users.get(user);
    return known === undefined ? [] : known instanceof Array ? known : [known as PresenceEntry];
  }

  /** The connection that is shown, for every member. */
  *members(by: PresenceBy): IterableIterator<PresenceEntry> {
    if (by === "connection") return yield* this.#entries.values();
    for (const known of this.#users.values()) yield first(known);
    if (this.#anonymous === 0) return;
    for (const entry of this.#entries.values()) {
      if (entry.user === undefined && !this.#users.has(entry.id)) yield entry;
    }
  }

  /** Whether the user of a connection has another connection here. */
  hasOther({ user, id }: Pick<PresenceEntry, "user" | "id">): boolean {
    return user !== undefined && this.of(user).some((one) => one.id !== id);
  }

  /** A connection has come, or has a new state. */
  put(entry: PresenceEntry): void {
    let before = this.#entries.get(entry.id);
    if (before && before.user !== entry.user) { // another user: that is another member
      this.drop(entry.id);
      before = undefined;
    }
    const showed = this.member("user", memberOf(entry));
    if (before) this.#without(before);
    this.#entries.set(entry.id, entry);
    this.#with(entry);
    this.#tell({ before, after: entry, showed });
  }

  /** A connection has left. Returns whether it was in. */
  drop(id: string): boolean {
    const before = this.#entries.get(id);
    if (!before) return false;
    const showed = this.member("user", memberOf(before));
    this.#entries.delete(id);
    this.#without(before);
    this.#tell({ before, showed });
    return true;
  }

  /**
   * Listens to changes.
   *
   * @param listener Called at each change; must not throw.
   * @returns A function that removes it.
   */
  onChange(listener: (change: PlaceChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #with(entry: PresenceEntry): void {
    const { user, id } = entry;
    if (user === undefined) {
      this.#anonymous++;
      if (this.#users.has(id)) this.#hidden++;
      return;
    }
    const known = this.#users.get(user);
    if (!known && this.#isAnonymous(user)) this.#hidden++;
    this.#users.set(user, added(known, entry));
  }

  #isAnonymous(id: string): boolean {
    const entry = this.#entries.get(id);
    return entry !== undefined && entry.user === undefined;
  }

  #without(entry: PresenceEntry): void {
    const { user, id } = entry;
    if (user === undefined) {
      this.#anonymous--;
      if (this.#users.has(id)) this.#hidden--;
      return;
    }
    const known = this.#users.get(user)!;
    const rest = known instanceof Array ? known.filter((one) => one !== entry) : [];
    if (rest.length === 0) {
      this.#users.delete(user);
      if (this.#isAnonymous(user)) this.#hidden--;
    } else this.#users.set(user, rest.length === 1 ? rest[0]! : rest);
  }

  #tell(change: PlaceChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function first(known: PresenceEntry | readonly PresenceEntry[]): PresenceEntry {
  return known instanceof Array ? known[0]! : known as PresenceEntry;
}

function added(
  known: PresenceEntry | readonly PresenceEntry[] | undefined,
  entry: PresenceEntry,
): PresenceEntry | readonly PresenceEntry[] {
  if (!known) return entry;
  const all = known instanceof Array ? known : [known as PresenceEntry];
  const at = all.findIndex((one) => shows(entry, one));
  return at < 0 ? [...all, entry] : [...all.slice(0, at), entry, ...all.slice(at)];
}
