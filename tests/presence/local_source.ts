import type { PresenceBy } from "../../contract/mod.ts";
import { memberOf, Place, type PresenceEntry } from "../../hub/presence/place.ts";
import type { EntryPage, EntryQuery, Followed, PresenceSource } from "../../hub/presence/source.ts";

/** Knows the members of one node, and tells no other node. */
export class LocalSource implements PresenceSource {
  /** The calls that it got: `put room:lobby c1`. */
  readonly told: string[] = [];
  /** How many follow a place now. */
  following = 0;
  readonly channels: readonly string[] = [];
  known: Promise<void> = Promise.resolve();
  readonly #places = new Map<string, Place>();

  put(place: string, entry: PresenceEntry): void {
    this.told.push(`put ${place} ${entry.id}`);
    this.place(place).put(entry);
  }

  drop(place: string, id: string): void {
    this.told.push(`drop ${place} ${id}`);
    this.place(place).drop(id);
  }

  follow(place: string): Followed {
    this.following++;
    let released = false;
    return {
      place: this.place(place),
      whole: true,
      ready: Promise.resolve(),
      onWhole: () => () => {},
      release: () => {
        if (!released) this.following--;
        released = true;
      },
    };
  }

  count(place: string, by: PresenceBy): number {
    return this.place(place).count(by);
  }

  page(place: string, { by, limit, cursor }: EntryQuery): EntryPage {
    const idOf = (entry: PresenceEntry) => by === "user" ? memberOf(entry) : entry.id;
    const all = [...this.place(place).members(by)].sort((a, b) => idOf(a) < idOf(b) ? -1 : 1);
    const rest = all.filter((entry) => cursor === undefined || idOf(entry) > cursor);
    const entries = rest.slice(0, limit);
    return {
      entries,
      count: all.length,
      ...(rest.length > limit && { cursor: idOf(entries.at(-1)!) }),
    };
  }

  size(): { readonly places: number; readonly members: number } {
    const places = [...this.#places.values()].filter((place) => place.count("connection") > 0);
    return {
      places: places.length,
      members: places.reduce((sum, place) => sum + place.count("connection"), 0),
    };
  }

  start(): void {}

  reachable(): void {}

  missed(): void {}

  join(): void {}

  leave(): void {}

  isGone(node: string): boolean {
    return node === "gone";
  }

  close(): void {}

  /** A place, also an empty one. */
  place(name: string): Place {
    let place = this.#places.get(name);
    if (!place) this.#places.set(name, place = new Place(name));
    return place;
  }
}
