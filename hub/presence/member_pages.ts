/**
 * Pages of the members of places. The sorted members of a place are kept while its pages are being read.
 *
 * @module
 */

import type { Clock, PresenceBy } from "../../contract/mod.ts";
import type { Place } from "./place.ts";
import { SortedMembers } from "./sorted_members.ts";
import type { EntryPage, EntryQuery } from "./source.ts";

/** How long sorted members are kept after the last read, in milliseconds. */
const KEPT_MS = 10_000;

interface Kept {
  readonly members: SortedMembers;
  readAt: number;
}

/** Reads pages of places. */
export class MemberPages {
  readonly #clock: Pick<Clock, "now" | "after">;
  readonly #kept: { readonly [By in PresenceBy]: Map<Place, Kept> } = {
    user: new Map(),
    connection: new Map(),
  };
  #stop: (() => void) | undefined;

  /** @param clock The clock. */
  constructor(clock: Pick<Clock, "now" | "after">) {
    this.#clock = clock;
  }

  /** How many lists of sorted members are kept. */
  get size(): number {
    return this.#kept.user.size + this.#kept.connection.size;
  }

  /** Reads a page of a place. */
  read(place: Place, query: EntryQuery): EntryPage {
    const all = this.#kept[query.by];
    let kept = all.get(place);
    if (!kept) all.set(place, kept = { members: new SortedMembers(place, query.by), readAt: 0 });
    kept.readAt = this.#clock.now();
    this.#stop ??= this.#sweepLater();
    return kept.members.page(query);
  }

  /** Drops all lists. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#forget(() => true);
  }

  #sweepLater(): () => void {
    return this.#clock.after(KEPT_MS, () => {
      const old = this.#clock.now() - KEPT_MS;
      this.#forget(({ readAt }) => readAt <= old);
      this.#stop = this.size > 0 ? this.#sweepLater() : undefined;
    }, { background: true });
  }

  #forget(test: (kept: Kept) => boolean): void {
    for (const all of Object.values(this.#kept)) {
      for (const [place, kept] of all) {
        if (!test(kept)) continue;
        kept.members.close();
        all.delete(place);
      }
    }
  }
}
