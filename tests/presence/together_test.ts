import { assertEquals } from "@std/assert";
import { presence } from "@trunkline/hub/client/presence";
import { test, waitFor } from "../harness.ts";
import { startInMemory, testPlaces } from "./scene.ts";

testPlaces("presence: whoever looks at a room from a client sees all nodes", async (start) => {
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
