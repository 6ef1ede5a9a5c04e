/**
 * Subscribing many connections to many topics.
 *
 * @module
 */

import type { LoadConnection } from "./connection.ts";
import { subscribe } from "./dialects.ts";

/** How many subscribes one frame carries. */
const SUBSCRIBES = 500;

/** Subscribes each connection to its own topics. */
export async function subscribeAll(
  who: readonly (readonly [LoadConnection, readonly string[]])[],
): Promise<void> {
  for (let i = 0; i < who.length; i += 100) {
    await Promise.all(
      who.slice(i, i + 100).map(async ([connection, names]) => {
        for (let from = 0; from < names.length; from += SUBSCRIBES) {
          const some = names.slice(from, from + SUBSCRIBES);
          await connection.talk([{ say: subscribe(some) }, { waitFor: `["res",${some.length}` }]);
        }
      }),
    );
  }
}
