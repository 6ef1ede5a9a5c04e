/**
 * Whether a hub tells who is present.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";
import type { Connection } from "../connection.ts";

/**
 * Checks that a hub understands what is said about presence: one that does not would end the connection for good.
 *
 * @param connection The connection to it.
 * @throws {HubError} `UNAVAILABLE` when it does not.
 */
export function checkPresence({ welcome }: Connection): void {
  if (welcome?.presence) return;
  throw new HubError("UNAVAILABLE", "The hub keeps no presence: its version, or its contract, has none");
}
