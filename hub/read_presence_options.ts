/**
 * Checks the presence options of a hub and fills in the defaults.
 *
 * @module
 */

import type { PresenceStore } from "../adapters/presence_store.ts";
import type { Contract } from "../contract/mod.ts";
import { byName, callback, count, having, ms, oneOf } from "../contract/options/option_kinds.ts";
import { bag, type Kind, optional, or, type Read, type Rows } from "../contract/options/read_options.ts";
import { suggest } from "../contract/options/suggest.ts";
import type { AnyHubOptions } from "./api/options.ts";
import type { StateOf } from "./presence/attendances.ts";

type Options = Exclude<NonNullable<AnyHubOptions["presence"]>, string>;

const kind = oneOf("gossip", "central");

const store = having<PresenceStore>(
  "a store of presence",
  "touch",
  "write",
  "read",
  "count",
  "versions",
  "expired",
  "purge",
);

const PRESENCE = {
  kind: or(kind, "gossip"),
  store: optional(store),
  authorize: or(byName(callback<(authorization: never) => boolean | Promise<boolean>>()), {}),
  stateOf: or(byName(callback<StateOf>()), {}),
  leaveAfterMs: or(ms({ min: 0 }), 0),
  intervalMs: or(ms({ min: 0 }), 100),
  maxListed: or(count({ min: 0, max: Infinity }), 1_000),
} satisfies Rows<Options>;

const read = bag(PRESENCE);

/** The presence options, with all defaults filled in. */
export type PresenceSettings = Read<typeof PRESENCE>;

/** The option `presence` of a hub. */
export const presence: Kind<PresenceSettings> = (value, place) =>
  read(typeof value === "string" ? { kind: kind(value, place) } : value, place);

/**
 * Checks the options against the contract. It refuses a rule for an unknown pattern, because such a rule protects
 * nothing.
 *
 * @param contract The contract with its patterns.
 * @param settings The options.
 * @throws {TypeError} When the contract declares no presence, or a rule is for a pattern that is not in it.
 */
export function checkPresence(contract: Contract, settings: PresenceSettings): void {
  const patterns = Object.keys(contract.definition.presence ?? {});
  if (patterns.length === 0) {
    throw new TypeError(
      "Cannot use presence of createHub: the contract keeps none; declare `presence` in defineContract",
    );
  }
  for (const option of ["authorize", "stateOf"] as const) {
    const stray = Object.keys(settings[option]).find((pattern) => !patterns.includes(pattern));
    if (stray === undefined) continue;
    throw new TypeError(
      `Cannot use presence.${option}.${stray} of createHub: the contract keeps no presence of this pattern, ` +
        suggest(stray, patterns),
    );
  }
}
