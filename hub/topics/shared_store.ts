/**
 * Chooses where histories are kept: in a store that all nodes share, or on each node for itself.
 *
 * @module
 */

import type { Adapter } from "../../adapters/adapter.ts";
import type { HistoryStore } from "../../adapters/history_store.ts";
import { type Contract, HubError } from "../../contract/mod.ts";
import { having } from "../../contract/options/option_kinds.ts";
import type { Kind } from "../../contract/options/read_options.ts";

const store = having<HistoryStore>('a store of histories or "per-node"', "append", "read");

/** A store, or `"per-node"` to ignore the adapter's store. */
export const historyOption: Kind<HistoryStore | "per-node"> = (value, place) =>
  value === "per-node" ? value : store(value, place);

/**
 * The store that all nodes share, if there is one.
 *
 * @param given The option, as the application gave it.
 * @param adapter The adapter, which may have a store.
 */
export function sharedStore(
  given: HistoryStore | "per-node" | undefined,
  adapter: { readonly history?: HistoryStore },
): HistoryStore | undefined {
  return given === "per-node" ? undefined : given ?? adapter.history;
}

/**
 * Makes the warning that each node keeps its own histories, when the application did not ask for it. `undefined` if
 * nodes share a store, if there is only one node, if no history is declared, or if `"per-node"` was given.
 *
 * @param contract The contract.
 * @param given The option, as the application gave it.
 * @param adapter The adapter.
 */
export function keptApart(
  contract: Contract,
  given: HistoryStore | "per-node" | undefined,
  adapter: Adapter,
): HubError | undefined {
  if (given !== undefined || adapter.history || adapter.solitary) return undefined;
  const [first, ...others] = keepers(contract);
  if (first === undefined) return undefined;
  const rest = others.length > 0 ? ` and ${others.length} more` : "";
  return new HubError(
    "UNAVAILABLE",
    `Each node keeps the history of "${first}"${rest} for itself: the adapter ${adapter.name} has no store of histories. A ` +
      "client that comes back to another node does not get what it missed, and is told so. Give createHub a store that all " +
      'nodes share, such as history: createRedisHistory(…), or history: "per-node" if this is what you want',
  );
}

/** The patterns of all topics and rooms that declare a history. */
function keepers({ definition }: Contract): string[] {
  const topics = [definition.shared, ...Object.values(definition.roles)].flatMap((part) =>
    Object.entries(part?.topics ?? {}).flatMap(([pattern, { history }]) => history ? [pattern] : [])
  );
  return [...topics, ...Object.keys(definition.rooms ?? {})];
}
