/**
 * What the tests of histories in Redis are played with: stores of adapters that are open, and what their nodes hear.
 *
 * @module
 */

import type { Adapter } from "../../../adapters/adapter.ts";
import type { HistoryStore } from "../../../adapters/history_store.ts";
import type { Position } from "../../../contract/mod.ts";

/** One message of another node, as a hub is handed it. */
export interface Heard {
  readonly channel: string;
  readonly position: Position;
  readonly data: string;
  readonly from: string;
}

/** A node that has a store open. */
export interface HistoryNode extends AsyncDisposable {
  readonly nodeId: string;
  readonly adapter: Adapter;
  readonly store: HistoryStore;
  readonly heard: Heard[];
  readonly errors: Error[];
  readonly statuses: ("up" | "down")[];
}

/** Opens an adapter, without the store that it has. */
export async function openAdapter(adapter: Adapter): Promise<HistoryNode> {
  const node: HistoryNode = {
    nodeId: crypto.randomUUID(),
    adapter,
    store: adapter.history!,
    heard: [],
    errors: [],
    statuses: [],
    [Symbol.asyncDispose]: () => adapter.close(),
  };
  await adapter.open({
    nodeId: node.nodeId,
    deliver() {},
    onError: (error) => void node.errors.push(error),
    onStatus: (status) => void node.statuses.push(status),
    onGap() {},
  });
  return node;
}

/** Opens an adapter and its store. */
export async function openHistory(adapter: Adapter): Promise<HistoryNode> {
  const node = await openAdapter(adapter);
  await openStore(node);
  return node;
}

/** Opens the store of a node whose adapter is open. */
export async function openStore({ store, nodeId, heard, errors }: HistoryNode): Promise<void> {
  await store.open?.({
    nodeId,
    deliver: (channel, position, data, from) => void heard.push({ channel, position, data, from }),
    onError: (error) => void errors.push(error),
  });
}
