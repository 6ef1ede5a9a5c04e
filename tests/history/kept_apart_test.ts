import { assertEquals } from "@std/assert";
import { createHub, createMemoryAdapter, createMemoryBus, defineContract, HubError } from "@trunkline/hub";
import { createMemoryHistory } from "@trunkline/hub/adapters/memory-history";
import { test } from "../harness.ts";
import { pass } from "../session/scene.ts";

const Kept = { payload: pass, history: { size: 1 } };
const plain = defineContract({ shared: { topics: { news: { payload: pass } } }, roles: { member: {} } });
const keeping = defineContract({
  shared: { topics: { news: { payload: pass }, "log/:id": Kept } },
  roles: { member: { topics: { own: Kept } } },
  rooms: { "chat/:id": { history: { size: 1 } } },
});

/** The reports of a hub at its start. */
async function told(
  options: Pick<Parameters<typeof createHub>[1], "adapter" | "history">,
  contract: typeof keeping | typeof plain = keeping,
): Promise<string[]> {
  const errors: string[] = [];
  await using hub = createHub(contract as typeof keeping, {
    authenticate: () => ({ role: "member" }),
    onError: (error, { stage }) =>
      void errors.push(error instanceof HubError ? `${stage} ${error.code} ${error.message}` : String(error)),
    ...options,
  });
  await hub.ready;
  return errors;
}

const among = () => createMemoryAdapter({ bus: createMemoryBus() });

test("history: nodes that keep separate histories without the option for it say so, once", async () => {
  assertEquals(await told({ adapter: among() }), [
    'open UNAVAILABLE Each node keeps the history of "log/:id" and 2 more for itself: the adapter memory has no store of ' +
    "histories. A client that comes back to another node does not get what it missed, and is told so. Give createHub a store " +
    'that all nodes share, such as history: createRedisHistory(…), or history: "per-node" if this is what you want',
  ]);
});

test("history: there is no report if it is shared, separate on purpose, not declared, or if there is only one node", async () => {
  assertEquals(await told({ adapter: among(), history: createMemoryHistory() }), []);
  assertEquals(await told({ adapter: among(), history: "per-node" }), []);
  assertEquals(await told({ adapter: among() }, plain), []);
  assertEquals(await told({}), []);
});
