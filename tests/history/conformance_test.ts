import { createMemoryHistory, type MemoryHistory } from "@trunkline/hub/adapters/memory-history";
import { historyStoreConformance } from "@trunkline/hub/conformance";
import { test } from "../harness.ts";
import { laterStore } from "./later_store.ts";

/** Gives all nodes of a prefix one store. */
function byPrefix(): (options: { readonly prefix: string }) => MemoryHistory {
  const stores = new Map<string, MemoryHistory>();
  return ({ prefix }) => {
    const store = stores.get(prefix) ?? createMemoryHistory();
    stores.set(prefix, store);
    return store;
  };
}

const memory = byPrefix();
for (const { name, run } of historyStoreConformance({ create: memory, ttlMs: 50 })) {
  test(`history store, in memory: ${name}`, run);
}

// So that it is shown that the suite also takes stores that answer later.
const inner = byPrefix();
const later = historyStoreConformance({ create: (options) => laterStore(inner(options)), ttlMs: 50 });
for (const { name, run } of later) test(`history store, in memory, answering later: ${name}`, run);
