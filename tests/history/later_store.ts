/**
 * A store of histories that answers by promises, and fails, hangs or lags when it is told to.
 *
 * @module
 */

import type { HistoryStore, ReadOptions, StoredPage } from "@trunkline/hub/adapters/history-store";
import type { MemoryHistory } from "@trunkline/hub/adapters/memory-history";

/** A store whose answers a test decides about. */
export interface LaterStore extends HistoryStore {
  /** How it answers: normally, with an error, or not at all until it is "up" again. */
  state: "up" | "down" | "hangs";
  /** How many reads it was asked for. */
  readonly reads: number;
  /** How many appends and reads have no answer. */
  readonly waiting: number;
  /** Changes a page on its way. */
  onRead: (page: StoredPage, options: ReadOptions) => StoredPage;
  /** Lets those that hang go on. */
  release(): void;
}

/** Makes one over a store that answers at once. */
export function laterStore(inner: MemoryHistory): LaterStore {
  const held: (() => void)[] = [];
  let reads = 0, waiting = 0;
  const store: LaterStore = {
    name: "later",
    publishes: false,
    tellsKnown: true,
    state: "up",
    onRead: (page) => page,
    get reads() {
      return reads;
    },
    get waiting() {
      return waiting;
    },
    release() {
      store.state = "up";
      for (const go of held.splice(0)) go();
    },
    append: (channel, data, options) => answer(() => inner.append(channel, data, options)),
    read(channel, options = {}) {
      reads++;
      return answer(() => store.onRead(inner.read(channel, options), options));
    },
    sweep: () => inner.sweep(),
  };
  async function answer<T>(act: () => T): Promise<T> {
    waiting++;
    try {
      if (store.state === "hangs") await new Promise<void>((resolve) => held.push(resolve));
      if (store.state === "down") throw new Error("The store is down");
      const result = act();
      await Promise.resolve();
      return result;
    } finally {
      waiting--;
    }
  }
  return store;
}
