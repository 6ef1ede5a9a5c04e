/**
 * Where topics with history keep it: in a store that all nodes share, or each node for itself.
 *
 * @module
 */

import type { Adapter } from "../../adapters/adapter.ts";
import type { HistoryStore } from "../../adapters/history_store.ts";
import { type Contract, HubError } from "../../contract/mod.ts";
import { having } from "../../contract/options/option_kinds.ts";
import type { Kind } from "../../contract/options/read_options.ts";

const store = having<HistoryStore>('a store of histories or "per-node"', "append", "read");

/** A store, or `"per-node"` though the adapter has one. */
export const historyOption: Kind<HistoryStore | "per-node"> = (value, place) =>
  value === "per-node" ? value : store(value, place);

/**
 * The store that all nodes share, if there is one.
 *
 * @param given What the user gave.
 * @param adapter The adapter, which may have one.
 */
export function sharedStore(
  given: HistoryStore | "per-node" | undefined,
  adapter: { readonly history?: HistoryStore },
): HistoryStore | undefined {
  return given === "per-node" ? undefined : given ?? adapter.history;
}

/**
 * What to tell an application whose nodes keep histories apart although nobody asked for that: `undefined` where they share
 * a store, where no other node can be reached, where no history is declared, or where `"per-node"` was given.
 *
 * @param contract What declares the histories.
 * @param given What the user gave.
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
