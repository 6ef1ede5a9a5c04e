/**
 * Pages of the members of a place. If this node follows the place, pages come from its mirror, so that a list agrees
 * with the changes on this node. Else they come from the store.
 *
 * @module
 */

import type { StoredEntry, StoredEntryPage, StoredEntryQuery } from "../../../adapters/presence_store.ts";
import type { Clock, PresenceBy } from "../../../contract/mod.ts";
import { MemberPages } from "../member_pages.ts";
import { Place, type PresenceEntry } from "../place.ts";
import { SortedMembers } from "../sorted_members.ts";
import type { EntryPage, EntryQuery } from "../source.ts";
import type { Mirror } from "./mirror.ts";
import type { PlaceReader } from "./place_reader.ts";

/** The prefixes of cursors. The two kinds of pages have different orders. */
const LOCAL = "=";
const STORED = "@";

/** The options of {@linkcode Pages}. */
export interface PagesOptions {
  readonly clock: Clock;
  readonly reader: PlaceReader;
  /** The mirror of a place, if this node follows it. */
  mirror(place: string): Mirror | undefined;
  /** Reads a page from the store; gives up in bounded time. */
  read(place: string, query: StoredEntryQuery): Promise<StoredEntryPage>;
  parse(place: string, entry: StoredEntry): PresenceEntry;
}

/** See the module. */
export class Pages {
  readonly #options: PagesOptions;
  readonly #local: MemberPages;
  /** Whole places that are being read, by `by` and name. */
  readonly #copies = new Map<string, Promise<SortedMembers>>();

  /** @param options Its options. */
  constructor(options: PagesOptions) {
    this.#options = options;
    this.#local = new MemberPages(options.clock);
  }

  /** Reads a page. */
  async read(place: string, { cursor, ...query }: EntryQuery): Promise<EntryPage> {
    const mirror = this.#options.mirror(place);
    if (cursor?.startsWith(STORED)) return await this.#stored(place, { ...query, cursor: cursor.slice(1) });
    if (mirror?.whole) return ofPlace(query, cursor, (local) => this.#local.read(mirror.place, local));
    if (cursor === undefined) return await this.#stored(place, query);
    const members = await this.#copy(place, query.by);
    return ofPlace(query, cursor, (local) => members.page(local));
  }

  /** Drops all kept pages. */
  close(): void {
    this.#local.close();
  }

  async #stored(place: string, query: EntryQuery): Promise<EntryPage> {
    const { entries, count, cursor } = await this.#options.read(place, query);
    return {
      entries: entries.map((entry) => this.#options.parse(place, entry)),
      count,
      ...(cursor !== undefined && { cursor: STORED + cursor }),
    };
  }

  /**
   * Continues a cursor of a mirror that is not there any more. This needs the whole place. A client can send such a
   * cursor again and again. So there is one read at a time for all callers, and the result is not kept.
   */
  #copy(name: string, by: PresenceBy): Promise<SortedMembers> {
    const key = `${by} ${name}`;
    const known = this.#copies.get(key);
    if (known) return known;
    const copy = this.#read(name, by).finally(() => this.#copies.delete(key));
    this.#copies.set(key, copy);
    return copy;
  }

  async #read(name: string, by: PresenceBy): Promise<SortedMembers> {
    const place = new Place(name);
    const { entries } = await this.#options.reader.read(name);
    for (const entry of entries.values()) place.put(this.#options.parse(name, entry));
    return new SortedMembers(place, by);
  }
}

function ofPlace(
  query: EntryQuery,
  cursor: string | undefined,
  read: (query: EntryQuery) => EntryPage,
): EntryPage {
  const page = read({ ...query, ...(cursor !== undefined && { cursor: cursor.slice(1) }) });
  return page.cursor === undefined ? page : { ...page, cursor: LOCAL + page.cursor };
}
