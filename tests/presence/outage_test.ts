import { assertEquals } from "@std/assert";
import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { hear, startInMemory, startNode } from "./scene.ts";

test("presence: while the backplane is away a node shows the last known members, and corrects them when it is back", async () => {
  await using cluster = await startInMemory(2, { startWithoutBackplane: true });
  const [a, b] = cluster.nodes;
  const ann = await a!.member("ann", "room/1");
  await b!.member("bob", "room/1");
  const [here, there] = await Promise.all([a, b].map((node) => hear(node!.hub.presence("room/1"))));
  await waitFor(() => here!.members.size === 2 || here!.events.length === 1, { what: "bob to be known" });
  here!.events.length = there!.events.length = 0;
  a!.tap.lose();
  await a!.member("cat", "room/1");
  await waitFor(() => here!.events.join() === "join cat", { what: "cat here" });
  await ann.close();
  await waitFor(() => here!.events.join() === "join cat,leave ann", { what: "ann to leave here" });
  await b!.member("dan", "room/1");
  await waitFor(() => there!.events.join() === "join dan", { what: "dan there" });
  assertEquals((await a!.hub.presence("room/1").list()).map(({ id }) => id), ["bob", "cat"]);
  assertEquals((await b!.hub.presence("room/1").list()).map(({ id }) => id), ["ann", "bob", "dan"]);
  a!.tap.heal();
  await waitFor(() => here!.events.length === 3 && there!.events.length === 3, {
    what: "both to be put right",
  });
  assertEquals(here!.events, ["join cat", "leave ann", "join dan"]);
  assertEquals(there!.events.toSorted(), ["join cat", "join dan", "leave ann"]);
});

test("presence: a hub that serves without a backplane shows its own users", async () => {
  const bus = createMemoryBus();
  const adapter = createMemoryAdapter({ bus });
  await using node = await startNode(adapter, { startWithoutBackplane: true }, { lost: true });
  await node.member("ann", "room/1");
  assertEquals((await node.hub.presence("room/1").list()).map(({ id }) => id), ["ann"]);
  const hearing = await hear(node.hub.presence("room/1"));
  await waitFor(async () => { // not before it has waited for the others for a while
    await (await node.member("bob", "room/1")).close();
    return hearing.events.length > 0;
  }, { what: "bob to be heard of" });
});
