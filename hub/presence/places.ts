/**
 * The places in which somebody is, or that somebody follows.
 *
 * @module
 */

import { Place, type PresenceEntry } from "./place.ts";

/** Places by name. A place in which nobody is and that nobody follows is forgotten. */
export class Places {
  readonly #places = new Map<string, Place>();
  /** How often each is followed. */
  readonly #followed = new Map<string, number>();

  /** How many there are. */
  get size(): number {
    return this.#places.size;
  }

  /** How many connections are in them; one in several counts in each. */
  get members(): number {
    let members = 0;
    for (const place of this.#places.values()) members += place.count("connection");
    return members;
  }

  /** A place in which somebody is, or that is followed. */
  get(name: string): Place | undefined {
    return this.#places.get(name);
  }

  /** A connection is in a place, or has another state there. */
  put(name: string, entry: PresenceEntry): void {
    this.#open(name).put(entry);
  }

  /** A connection is not in a place any more. Tells whether it was. */
  drop(name: string, id: string): boolean {
    const place = this.#places.get(name);
    if (!place?.drop(id)) return false;
    this.#forget(place);
    return true;
  }

  /**
   * Keeps a place, also while nobody is in it.
   *
   * @returns The place; it stays the same until it is released as often as it was followed.
   */
  follow(name: string): Place {
    this.#followed.set(name, (this.#followed.get(name) ?? 0) + 1);
    return this.#open(name);
  }

  /** Keeps a place no more. */
  release(name: string): void {
    const times = this.#followed.get(name);
    if (times === undefined) return; // all were forgotten
    if (times > 1) return void this.#followed.set(name, times - 1);
    this.#followed.delete(name);
    this.#forget(this.#places.get(name)!);
  }

  /** Forgets all of them, and tells nobody. */
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
