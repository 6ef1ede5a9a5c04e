/**
 * A role as users name it.
 *
 * @module
 */

import { type Contract, HubError } from "../../contract/mod.ts";
import { suggest } from "../../contract/options/suggest.ts";
import { readName } from "../backplane/channels.ts";

/**
 * Checks a role: one that the contract does not have would be addressed in vain.
 *
 * @param contract The contract.
 * @param role What the user gave.
 * @throws {HubError} `NOT_FOUND` when the contract has none of that name.
 * @throws {TypeError} When it is not text.
 */
export function readRole({ roles }: Contract, role: unknown): string {
  const name = readName(role, "role");
  if (roles.has(name)) return name;
  throw new HubError("NOT_FOUND", `Cannot address role "${name}": ${suggest(name, roles.keys())}`);
}
