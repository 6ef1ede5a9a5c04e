/**
 * Finds the new connection of a client that came back to this node. A broadcast that leaves out an earlier connection
 * of this client leaves out the new one.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { forgetOldest } from "./forget_oldest.ts";

/**
 * How many earlier connections it remembers. A broadcast that leaves one out arrives long before the number is reached.
 */
const MAX_REMEMBERED = 16_384;

/** Remembers the latest ones. */
export class Successors {
  readonly #ids = new Map<string, string>();

  /** Adds a connection whose client has named its earlier connections. */
  add({ id, past }: Connection): void {
    for (const earlier of past?.earlier ?? []) {
      this.#ids.delete(earlier);
      this.#ids.set(earlier, id);
    }
    forgetOldest(this.#ids, MAX_REMEMBERED);
  }

  /**
   * The connection that followed an earlier one.
   *
   * @param id The id of the earlier connection.
   * @returns The id of the new connection; an empty text when none is known.
   */
  of(id: string): string {
    return this.#ids.get(id) ?? "";
  }
}
