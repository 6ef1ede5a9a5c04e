/**
 * Which connection of this node a client has after one that it had before, here or elsewhere.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { forgetOldest } from "./forget_oldest.ts";

/** Of how many connections it is remembered: what is on its way to them has arrived long before there are so many. */
const MAX_REMEMBERED = 16_384;

/** Remembers the last of them. */
export class Successors {
  readonly #ids = new Map<string, string>();

  /** A connection is there, whose client has named those before it. */
  add({ id, past }: Connection): void {
    for (const earlier of past?.earlier ?? []) {
      this.#ids.delete(earlier);
      this.#ids.set(earlier, id);
    }
    forgetOldest(this.#ids, MAX_REMEMBERED);
  }

  /**
   * The connection that came after another one.
   *
   * @param id The id of the other one.
   * @returns Its id; an empty text when none is known.
   */
  of(id: string): string {
    return this.#ids.get(id) ?? "";
  }
}
