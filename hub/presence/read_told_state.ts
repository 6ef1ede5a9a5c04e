/**
 * Reads the states that other nodes send.
 *
 * @module
 */

import { type DeclaredPresence, parseNow, writeJson } from "../../contract/mod.ts";

/**
 * Parses a state from another node. That node may have an older or newer contract.
 *
 * @param declared The contract's entry of the place.
 * @param state The state.
 * @param name The name of the room or topic.
 * @throws {HubError} `VALIDATION` when the state does not fit the schema.
 * @throws {TypeError} When JSON cannot carry the schema's output to clients of this node.
 */
export function readToldState(declared: DeclaredPresence, state: unknown, name: string): unknown {
  const parsed = parseNow(declared.state, state, "presence of", name);
  if (parsed !== state && parsed !== undefined) writeJson(parsed);
  return parsed;
}
