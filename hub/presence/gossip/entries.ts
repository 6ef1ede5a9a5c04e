/**
 * Entries as gossip keeps them: many of them, so that each has to be small.
 *
 * @module
 */

import type { PresenceEntry } from "../place.ts";

/** Makes entries whose time counts from when this node began, and gives that time back. */
export class Entries {
  readonly #began: number;

  /** @param now The time, in milliseconds since 1970. */
  constructor(now: number) {
    this.#began = Math.floor(now);
  }

  /**
   * Makes an entry.
   *
   * @param entry It, with its time since 1970.
   */
  from({ id, user, node, state, at }: PresenceEntry): PresenceEntry {
    const since = Math.round(at) - this.#began;
    const short = since | 0;
    // Engines keep a number of 32 bits within the object, but only as long as no object of this shape had another: so the
    // time comes first here, as it does nowhere else.
    return { at: short === since ? short : since, id, user, node, state };
  }

  /** When the state of an entry was set, in milliseconds since 1970. */
  timeOf({ at }: PresenceEntry): number {
    return at + this.#began;
  }
}
