/**
 * Reads states that other nodes have told.
 *
 * @module
 */

import { type DeclaredPresence, parseNow, writeJson } from "../../contract/mod.ts";

/**
 * Parses a state that another node has told, whose contract may be an older or a newer one.
 *
 * @param declared What the contract says of the place.
 * @param state The state.
 * @param name The name of the room or topic.
 * @throws {HubError} `VALIDATION` when it does not fit.
 * @throws {TypeError} When the schema makes something of it that cannot travel on, to clients of this node.
 */
export function readToldState(declared: DeclaredPresence, state: unknown, name: string): unknown {
  const parsed = parseNow(declared.state, state, "presence of", name);
  if (parsed !== state && parsed !== undefined) writeJson(parsed);
  return parsed;
}
