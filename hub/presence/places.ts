/**
 * The places that have members or followers.
 *
 * @module
 */

import { Place, type PresenceEntry } from "./place.ts";

/** Places by name. A place without members and followers is removed. */
export class Places {
  readonly #places = new Map<string, Place>();
  /** The number of followers of each place. */
  readonly #followed = new Map<string, number>();

  /** The number of places. */
  get size(): number {
    return this.#places.size;
  }

  /** The number of connections in them. A connection in several places counts in each. */
  get members(): number {
    let members = 0;
    for (const place of this.#places.values()) members += place.count("connection");
    return members;
  }

  /** A place with members or followers. */
  get(name: string): Place | undefined {
    return this.#places.get(name);
  }

  /** A connection has come into a place, or has a new state there. */
  put(name: string, entry: PresenceEntry): void {
    this.#open(name).put(entry);
  }

  /** A connection has left a place. Returns whether it was in. */
  drop(name: string, id: string): boolean {
    const place = this.#places.get(name);
    if (!place?.drop(id)) return false;
    this.#forget(place);
    return true;
  }

  /**
   * Keeps a place, also while it is empty.
   *
   * @returns The place. It stays the same object until each `follow` has had its `release`.
   */
  follow(name: string): Place {
    this.#followed.set(name, (this.#followed.get(name) ?? 0) + 1);
    return this.#open(name);
  }

  /** Ends one `follow` of a place. */
  release(name: string): void {
    const times = this.#followed.get(name);
    if (times === undefined) return; // after `clear`
    if (times > 1) return void this.#followed.set(name, times - 1);
    this.#followed.delete(name);
    this.#forget(this.#places.get(name)!);
  }

  /** Removes all places, without callbacks. */
  clear(): void {
    this.#places.clear();
    this.#followed.clear();
  }

  #open(name: string): Place {
    let place = this.#places.get(name);
    if (!place) this.#places.set(name, place = new Place(name));
    return place;
  }

  #forget(place: Place): void {
    if (place.count("connection") === 0 && !this.#followed.has(place.name)) this.#places.delete(place.name);
  }
}
