import { assertEquals, assertThrows } from "@std/assert";
import { createHub, createMemoryPresence, defineContract } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { test } from "../harness.ts";

const contract = defineContract({ roles: { member: {} }, presence: { "room/:id": z.object({}) } });

function create(presence: unknown) {
  return createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    transports: [createLoopbackTransport()],
    presence: presence as "gossip",
  });
}

test("presence: a rule for no pattern of the contract is refused, with the pattern that was meant", () => {
  for (const option of ["authorize", "stateOf"]) {
    const error = assertThrows(() => create({ [option]: { "rooms/:id": () => true } }), TypeError) as Error;
    const message =
      `Cannot use presence.${option}.rooms/:id of createHub: the contract keeps no presence of ` +
      'this pattern, did you mean "room/:id"?';
    if (error.message !== message) throw error;
  }
});

test("presence: options of presence that the contract does not keep are refused", async () => {
  const without = defineContract({ roles: { member: {} } });
  const options = { authenticate: ({ role }: { role: string }) => ({ role: role as "member" }) };
  assertThrows(
    () => createHub(without, { ...options, presence: "gossip" }),
    TypeError,
    "the contract keeps none",
  );
  const transports = [createLoopbackTransport()];
  await using hub = createHub(without, { ...options, presence: undefined, transports });
  await hub.ready;
});

test("presence: a kind that does not exist is refused, and so is a central one without a store", () => {
  assertThrows(() => create("rumour"), TypeError, '"gossip" or "central"');
  assertThrows(() => create("central"), TypeError, 'adapter "memory" has no store of presence');
});

test("presence: a store is accepted for the central kind, and refused if it would not be used", async () => {
  const store = createMemoryPresence();
  assertThrows(() => create({ store }), TypeError, 'set presence.kind to "central"');
  assertThrows(() => create({ kind: "central", store: {} }), TypeError, "a store of presence");
  await using hub = create({ kind: "central", store });
  await hub.ready;
  assertEquals(await hub.presence("room/1").count(), 0);
});
