/**
 * Who is in one place, a room or a topic, as this node knows it: connections, and the users that they are of.
 *
 * @module
 */

import type { PresenceBy } from "../../contract/mod.ts";

/** A connection in a place. Never changed: another state is another entry. */
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
   * When its state was set, in milliseconds by the wall clock of its node: the newest of a user's states counts. Since 1970
   * where it is given to a source; a source may count from another moment, the same for all.
   */
  readonly at: number;
}

/** What has become of one connection: it came (no `before`), left (no `after`), or has another state. */
export interface PlaceChange {
  readonly before?: PresenceEntry;
  readonly after?: PresenceEntry;
  /** What showed for its user before, be it this connection or another one. */
  readonly showed?: PresenceEntry;
}

/** What a connection counts for: its user, or itself when it is anonymous. */
export const memberOf = ({ user, id }: PresenceEntry): string => user ?? id;

/**
 * Tells which of two connections of a user shows: that with the newer state, and of equals always the same one. One that has
 * none yet, such as that of a tab that was just opened, hides no other.
 */
function shows(a: PresenceEntry, b: PresenceEntry): boolean {
  const [isSet, isOtherSet] = [a.state !== undefined, b.state !== undefined];
  if (isSet !== isOtherSet) return isSet;
  return a.at > b.at || (a.at === b.at && a.id > b.id);
}

/** No clock shows a later time: what a broken one has shown is not to be outdone. */
const LATEST = 8.64e15;

/**
 * An entry with a time that makes its state the newest of its user's, however the clocks of their nodes differ.
 *
 * @param place The place as far as it is known.
 * @param entry The entry.
 */
export function asNewest(place: Place | undefined, entry: PresenceEntry): PresenceEntry {
  const { user, state, at } = entry;
  const newest = user === undefined || state === undefined ? undefined : place?.of(user)[0];
  if (newest?.state === undefined || newest.at < at || newest.at > LATEST) return entry;
  return { ...entry, at: newest.at + 1 };
}

/** A room or a topic, and who is in it. */
export class Place {
  /** The channel of its room or topic: `room:lobby`, `topic:ticker/ACME`. */
  readonly name: string;
  readonly #entries = new Map<string, PresenceEntry>();
  /** By user: a connection, or several, that which shows first. Anonymous ones are not here: each is a member itself. */
  readonly #users = new Map<string, PresenceEntry | readonly PresenceEntry[]>();
  readonly #listeners = new Set<(change: PlaceChange) => void>();
  #anonymous = 0;
  /** Anonymous ones whose id is also that of a user who is here: they are one member, and the user shows. */
  #hidden = 0;

  /** @param name The channel of its room or topic. */
  constructor(name: string) {
    this.name = name;
  }

  /** How many members there are. */
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

  /** The connection that shows for a member. */
  member(by: PresenceBy, id: string): PresenceEntry | undefined {
    if (by === "connection") return this.#entries.get(id);
    const known = this.#users.get(id);
    if (known) return first(known);
    const entry = this.#entries.get(id);
    return entry?.user === undefined ? entry : undefined;
  }

  /** The connections of a user, that which shows first. */
  of(user: string): readonly PresenceEntry[] {
    const known = this.#users.get(user);
    return known === undefined ? [] : known instanceof Array ? known : [known as PresenceEntry];
  }

  /** For every member the connection that shows. */
  *members(by: PresenceBy): IterableIterator<PresenceEntry> {
    if (by === "connection") return yield* this.#entries.values();
    for (const known of this.#users.values()) yield first(known);
    if (this.#anonymous === 0) return;
    for (const entry of this.#entries.values()) {
      if (entry.user === undefined && !this.#users.has(entry.id)) yield entry;
    }
  }

  /** Whether a user has another connection here than this one. */
  hasOther({ user, id }: Pick<PresenceEntry, "user" | "id">): boolean {
    return user !== undefined && this.of(user).some((one) => one.id !== id);
  }

  /** A connection is in, or has another state. */
  put(entry: PresenceEntry): void {
    let before = this.#entries.get(entry.id);
    if (before && before.user !== entry.user) { // it is said to be another user's: that is another member
      this.drop(entry.id);
      before = undefined;
    }
    const showed = this.member("user", memberOf(entry));
    if (before) this.#without(before);
    this.#entries.set(entry.id, entry);
    this.#with(entry);
    this.#tell({ before, after: entry, showed });
  }

  /** A connection is not in any more. Tells whether it was. */
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
   * Listens to changes, as they happen.
   *
   * @param listener Must not throw.
   * @returns Stops it.
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
