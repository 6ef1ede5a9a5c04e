/**
 * Checks a role that the application names.
 *
 * @module
 */

import { type Contract, HubError } from "../../contract/mod.ts";
import { suggest } from "../../contract/options/suggest.ts";
import { readName } from "../backplane/channels.ts";
import { owning } from "../connection/own_errors.ts";

/**
 * Checks that the contract has a role.
 *
 * @param contract The contract.
 * @param role The role, as the application gave it.
 * @throws {HubError} `NOT_FOUND` when the contract has no role of that name.
 * @throws {TypeError} When the role is not text.
 */
export function readRole({ roles }: Contract, role: unknown): string {
  if (roles.has(role as string)) return role as string;
  const name = readName(role, "role");
  throw new HubError("NOT_FOUND", `Cannot address role "${name}": ${suggest(name, roles.keys())}`);
}

/**
 * Makes one value for each role, when it is first asked for.
 *
 * @param contract The contract.
 * @param make Makes the value of a role. The value is frozen: all callers share it.
 * @returns The value of a role. Throws as {@linkcode readRole} does; the error counts as the hub's own.
 */
export function perRole<Value extends object>(
  contract: Contract,
  make: (role: string) => Value,
): (role: string) => Value {
  const made = new Map<string, Value>();
  return (given) => {
    const known = made.get(given); // first, because handlers ask for it with every message
    if (known) return known;
    const role = owning(() => readRole(contract, given));
    const value = Object.freeze(make(role));
    made.set(role, value);
    return value;
  };
}
