import { assertEquals, assertLess } from "@std/assert";
import type { PresenceStore } from "../../adapters/presence_store.ts";
import { test } from "../harness.ts";
import { central } from "./central.ts";
import type { Process } from "./process.ts";
import { campaign } from "./report.ts";
import { StoreModel } from "./store.ts";
import type { System } from "./system.ts";

/** Reports members as purged, but keeps them. */
class Hoarder extends StoreModel {
  override for(process: Process): PresenceStore {
    return { ...super.for(process), purge: () => Promise.resolve(0) };
  }
}

/** Never says that a lease has run out, or that a place has lost something. */
class Optimist extends StoreModel {
  override for(process: Process): PresenceStore {
    const store = super.for(process);
    return {
      ...store,
      touch: async (node, lease) => ({ ...await store.touch(node, lease), kept: true, lost: [] }),
    };
  }
}

for (
  const [what, broken] of [["purges nobody", Hoarder], ["does not tell what it has lost", Optimist]] as const
) {
  test(`a store that ${what} is caught, by few faults`, async () => {
    const system: System = { ...central, createStore: (options) => new broken(options) };
    const { failures } = await campaign(system, { from: 1, to: 400, nodes: 6, wire: false });
    assertEquals(failures.length, 1);
    assertLess(failures[0]!.shrunk.scenario.faults.length, 4);
  });
}
