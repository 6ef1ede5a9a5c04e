import { assertEquals, assertRejects } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { presence } from "@trunkline/hub/client/presence";
import { test, waitFor } from "../harness.ts";
import { startInMemory, testPlaces } from "./scene.ts";

testPlaces("presence: a client that watches a room sees the members of all nodes", async (start) => {
  await using cluster = await start(2, { presence: { intervalMs: 10 } });
  const { nodes } = cluster;
  const ann = await nodes[0]!.member("ann", "room/1");
  await nodes[1]!.member("bob", "room/1");
  await using view = presence(ann, "room/1");
  await view.ready;
  await waitFor(() => view.list().length === 2, { what: "both to be seen" });
  const heard: string[] = [];
  view.on("join", ({ id }) => heard.push(`join ${id}`));
  view.on("update", ({ id, state }) => heard.push(`update ${id} ${state?.name}`));
  view.on("leave", ({ id }) => heard.push(`leave ${id}`));
  const cat = await nodes[1]!.member("cat", "room/1");
  await waitFor(() => heard.length === 1, { what: "cat" });
  await cat.request("set", { room: "room/1", name: "Cat" });
  await waitFor(() => heard.length === 2, { what: "cat's name" });
  await cat.close();
  await waitFor(() => heard.length === 3, { what: "cat to leave" });
  assertEquals(heard, ["join cat", "update cat Cat", "leave cat"]);
  assertEquals(view.list().map(({ id }) => id).sort(), ["ann", "bob"]);
});

test("presence: a room with more members than maxListed is only counted", async () => {
  await using cluster = await startInMemory(2, { presence: { maxListed: 5, intervalMs: 10 } });
  const { nodes } = cluster;
  const ann = await nodes[0]!.member("ann", "room/1");
  await using view = presence(ann, "room/1");
  await view.ready;
  const others = await Promise.all(
    Array.from({ length: 9 }, (_, i) => nodes[i % 2]!.member(`user ${i}`, "room/1")),
  );
  await waitFor(() => view.count === 10, { what: "ten to be counted" });
  assertEquals([view.listed, view.list().length], [false, 0]);
  for (const other of others.slice(0, 7)) await other.close();
  await waitFor(() => view.listed, { what: "the members to be listed again" });
  await waitFor(() => view.list().length === 3, { what: "three to be left" });
});

test("presence: a client looks at a room for as long as it is in, and from outside where a rule lets it", async () => {
  await using cluster = await startInMemory(2, {
    presence: {
      authorize: { "doc/:id": ({ conn, params }) => conn.user?.id === "bob" && params.id === "1" },
    },
  });
  const { nodes } = cluster;
  const ann = await nodes[0]!.member("ann", "room/1");
  const inside = presence(ann, "room/1");
  await inside.ready;
  const outside = presence(ann, "room/2");
  await assertRejects(() => outside.ready, HubError, "Only members of");
  await ann.request("exit", { room: "room/1" });
  assertEquals((await inside.closed)?.code, "FORBIDDEN");
  const bob = await nodes[1]!.member("bob");
  await ann.subscribe("doc/1", () => {}).ready;
  const looking = presence(bob, { topic: "doc/1" });
  await looking.ready;
  await waitFor(() => looking.list().map(({ id }) => id).join() === "ann", { what: "ann to be seen" });
  await assertRejects(() => presence(ann, { topic: "doc/1" }).ready, HubError, "Not allowed");
});

test("presence: a client sets the state of its own connection where the contract lets it", async () => {
  await using cluster = await startInMemory(2);
  const { nodes } = cluster;
  const [ann, bob] = [await nodes[0]!.member("ann", "room/1"), await nodes[1]!.member("bob")];
  for (const member of [ann, bob]) await member.subscribe("doc/1", () => {}).ready;
  await using view = presence(ann, { topic: "doc/1" });
  await using other = presence(bob, { topic: "doc/1" });
  await Promise.all([view.ready, other.ready]);
  await view.set({ cursor: 7 });
  await waitFor(() => other.list().some(({ id, state }) => id === "ann" && state?.cursor === 7), {
    what: "the state",
  });
  await assertRejects(() => view.set({ cursor: "7" } as never), HubError, "Invalid");
  await using room = presence(ann, "room/1");
  await assertRejects(() => room.set({ name: "Ann" } as never), HubError, "clientsSet");
});

test("presence: nothing is left of watching when the watchers have gone", async () => {
  await using cluster = await startInMemory(1);
  const [node] = cluster.nodes;
  const ann = await node!.member("ann", "room/1");
  const bob = await node!.member("bob", "room/1");
  const views = [presence(ann, "room/1"), presence(bob, "room/1", { by: "connection" })];
  for (const view of views) await view.ready;
  await views[0]!.close();
  await bob.close();
  await ann.close();
  await waitFor(() => node!.hub.stats().presence!.places === 0, { what: "no place to be known" });
});
