/**
 * Where topics with history keep it: in a store that all nodes share, or each node for itself.
 *
 * @module
 */

import type { HistoryStore } from "../../adapters/history_store.ts";
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
