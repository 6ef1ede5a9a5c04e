import { createMemoryPresence, type MemoryPresence } from "@trunkline/hub/adapters/memory-presence";
import { presenceStoreConformance } from "@trunkline/hub/conformance";
import { test } from "../harness.ts";

const stores = new Map<string, MemoryPresence>();
const cases = presenceStoreConformance({
  ttlMs: 50,
  create({ prefix }) {
    const store = stores.get(prefix) ?? createMemoryPresence();
    stores.set(prefix, store);
    return store;
  },
  forget: ({ prefix }) => stores.get(prefix)?.clear(),
});
for (const { name, run } of cases) test(`presence store, in memory: ${name}`, run);
