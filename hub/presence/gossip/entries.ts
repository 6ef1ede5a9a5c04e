/**
 * Entries as gossip keeps them. There may be many, so each must be small.
 *
 * @module
 */

import type { PresenceEntry } from "../place.ts";

/** Makes entries whose time counts from the start of this node, and converts the time back. */
export class Entries {
  readonly #began: number;

  /** @param now The time, in milliseconds since 1970. */
  constructor(now: number) {
    this.#began = Math.floor(now);
  }

  /**
   * Makes an entry.
   *
   * @param entry The entry, with its time since 1970.
   */
  from({ id, user, node, state, at }: PresenceEntry): PresenceEntry {
    const since = Math.round(at) - this.#began;
    const short = since | 0;
    // Engines store a 32-bit number inside the object, but only while all objects of this shape have one. So the time
    // comes first here and in no other place, which gives these objects a shape of their own.
    return { at: short === since ? short : since, id, user, node, state };
  }

  /** When the state of an entry was set, in milliseconds since 1970. */
  timeOf({ at }: PresenceEntry): number {
    return at + this.#began;
  }
}
