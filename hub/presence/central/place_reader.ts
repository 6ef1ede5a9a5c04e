/**
 * Reads a whole place from a store, page by page.
 *
 * @module
 */

import type { StoredEntry, StoredEntryPage, StoredEntryQuery } from "../../../adapters/presence_store.ts";
import type { Position } from "../../../contract/mod.ts";

/** How many connections one page has. */
const PAGE = 1_000;

/** A place that was read: all entries. Each is of a version from `from` to `to`. */
export interface ReadPlace {
  readonly entries: Map<string, StoredEntry>;
  /** The version of the first page. */
  readonly from: Position;
  /** The version of the last page, in the same epoch. */
  readonly to: Position;
}

/** Reads places. */
export class PlaceReader {
  readonly #read: (place: string, query: StoredEntryQuery) => Promise<StoredEntryPage>;

  /** @param read Reads a page; gives up in bounded time. */
  constructor(read: (place: string, query: StoredEntryQuery) => Promise<StoredEntryPage>) {
    this.#read = read;
  }

  /** Reads a place; starts again when its epoch changes meanwhile. */
  async read(place: string): Promise<ReadPlace> {
    for (;;) {
      const entries = new Map<string, StoredEntry>();
      let from: Position | undefined;
      let cursor: string | undefined;
      for (;;) {
        const page = await this.#read(place, {
          by: "connection",
          limit: PAGE,
          ...(cursor !== undefined && { cursor }),
        });
        from ??= page.version;
        if (from[0] !== page.version[0]) break;
        for (const entry of page.entries) entries.set(entry.id, entry);
        if (page.cursor === undefined) return { entries, from, to: page.version };
        cursor = page.cursor;
      }
    }
  }
}
