/**
 * Checks whether a hub supports presence.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";
import type { Connection } from "../connection.ts";

/**
 * Checks that a hub supports presence. A hub that does not would end the connection for good.
 *
 * @param connection The connection to the hub.
 * @throws {HubError} `UNAVAILABLE` when the hub does not support it.
 */
export function checkPresence({ welcome }: Connection): void {
  if (welcome?.presence) return;
  throw new HubError(
    "UNAVAILABLE",
    "Cannot see who is there: the hub keeps no presence",
  );
}
