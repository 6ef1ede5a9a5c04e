/**
 * The members of one place, sorted by id, so that a page of a large place costs little.
 *
 * @module
 */

import type { PresenceBy } from "../../contract/mod.ts";
import { memberOf, type Place, type PlaceChange } from "./place.ts";
import type { EntryPage, EntryQuery } from "./source.ts";

/** Up to this many changes are inserted one by one. More changes are sorted, and merged in one step. */
const MAX_SINGLE = 32;

/** Members in the order of their ids, by code units. Follows the changes of the place until it is closed. */
export class SortedMembers {
  readonly #place: Place;
  readonly #by: PresenceBy;
  readonly #stop: () => void;
  #ids: string[] | undefined;
  /** Members that may have come or left since the last page. */
  readonly #changed = new Set<string>();

  /**
   * @param place The place.
   * @param by What counts as a member.
   */
  constructor(place: Place, by: PresenceBy) {
    this.#place = place;
    this.#by = by;
    this.#stop = place.onChange((change) => this.#note(change));
  }

  /** Reads a page. */
  page({ limit, cursor }: Pick<EntryQuery, "limit" | "cursor">): EntryPage {
    const ids = this.#sorted();
    const start = cursor === undefined ? 0 : after(ids, cursor);
    const page = ids.slice(start, start + limit);
    const last = page.at(-1);
    return {
      entries: page.map((id) => this.#place.member(this.#by, id)!),
      count: ids.length,
      ...(start + page.length < ids.length && last !== undefined && { cursor: last }),
    };
  }

  /** Stops following the place. */
  close(): void {
    this.#stop();
    this.#ids = undefined;
    this.#changed.clear();
  }

  #note({ before, after }: PlaceChange): void {
    if (!this.#ids) return;
    for (const entry of [before, after]) {
      if (entry) this.#changed.add(this.#by === "connection" ? entry.id : memberOf(entry));
    }
    if (this.#changed.size * 2 <= this.#ids.length + MAX_SINGLE) return;
    this.#ids = undefined; // sorting all members again costs no more
    this.#changed.clear();
  }

  /** Sorts by code units, the default order of `sort`: several times as fast as with a comparing function. */
  #sorted(): readonly string[] {
    const ids = this.#ids;
    if (!ids) return this.#ids = [...this.#all()].sort();
    if (this.#changed.size > MAX_SINGLE) this.#ids = this.#merged(ids);
    else for (const id of this.#changed) this.#correct(ids, id);
    this.#changed.clear();
    return this.#ids!;
  }

  *#all(): Iterable<string> {
    for (const entry of this.#place.members(this.#by)) {
      yield this.#by === "connection" ? entry.id : memberOf(entry);
    }
  }

  #isIn(id: string): boolean {
    return this.#place.member(this.#by, id) !== undefined;
  }

  #correct(ids: string[], id: string): void {
    const end = after(ids, id);
    const was = end > 0 && ids[end - 1] === id;
    const is = this.#isIn(id);
    if (is && !was) ids.splice(end, 0, id);
    else if (was && !is) ids.splice(end - 1, 1);
  }

  #merged(ids: readonly string[]): string[] {
    const fresh = [...this.#changed].filter((id) => this.#isIn(id)).sort();
    const merged: string[] = [];
    let next = 0;
    for (const id of ids) {
      if (this.#changed.has(id)) continue;
      while (next < fresh.length && fresh[next]! < id) merged.push(fresh[next++]!);
      merged.push(id);
    }
    while (next < fresh.length) merged.push(fresh[next++]!);
    return merged;
  }
}

/** The index of the first id that is greater than this one. */
function after(ids: readonly string[], id: string): number {
  let low = 0, high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
