import { assert, assertEquals, assertRejects } from "@std/assert";
import { createMemoryPresence } from "../../adapters/memory_presence/mod.ts";
import { HubError } from "../../contract/mod.ts";
import { placeChannel } from "../../hub/backplane/channels.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { type CentralNode, createScene, idsOf, NODE_TIMEOUT_MS, settle } from "./central_scene.ts";

test("central presence: while the store is away this node's followers see its own members, and the others learn of them later, once", async () => {
  const { node, pass } = createScene();
  const [a, b] = [await node(), await node()];
  const [here, there] = [a.follow("lobby"), b.follow("lobby")];
  await Promise.all([here.followed.ready, there.followed.ready]);
  for (const mode of ["away", "broken"] as const) {
    a.store.mode = mode;
    a.put("lobby", `${mode}1`);
    a.put("lobby", `${mode}2`);
    await pass(12_000);
    a.source.drop("lobby", `${mode}2`);
    assertEquals(here.told.slice(-3), [`+${mode}1`, `+${mode}2`, `-${mode}2`]);
    assertEquals(there.told.filter((one) => one.includes(mode)), []);
    await assertRejects(async () => {
      const page = a.source.page("elsewhere", { by: "user", limit: 10 });
      await pass(11_000);
      await page;
    });
    assertEquals([here.followed.whole, there.followed.whole], [false, true]);
    a.store.mode = "fine";
    if (mode === "broken") {
      await pass(5_100); // it is tried again at least so often
      assertEquals(there.told.at(-1), `+${mode}1`);
    }
    await pass(NODE_TIMEOUT_MS);
    assertEquals(there.told.filter((one) => one.includes(mode)), [`+${mode}1`]);
    assert(here.followed.whole);
    assertEquals(a.errors.length, mode === "away" ? 1 : 2);
  }
  assertEquals(b.errors, []);
});

test("central presence: a silent node is purged once, and each follower learns of it once", async () => {
  const { node, pass } = createScene();
  const [a, b, c] = [await node(), await node(), await node()];
  const watches = [b.follow("lobby"), c.follow("lobby")];
  a.put("lobby", "a1");
  a.put("lobby", "a2");
  b.put("lobby", "b1");
  await settle();
  a.store.mode = "away"; // as if it were dead, but for what it says on the bus
  await pass(NODE_TIMEOUT_MS);
  b.source.leave("node1");
  c.source.leave("node1");
  await pass(1_000);
  for (const { told } of watches) {
    assertEquals(told.filter((one) => one.includes("a")), ["+a1", "+a2", "-a1", "-a2"]);
  }
  assertEquals([b.store.calls.purge, c.store.calls.purge], [1, 1]);
});

test("central presence: an expired lease is noticed even without a report that the node is gone", async () => {
  const { node, pass } = createScene();
  const [a, b] = [await node(), await node()];
  const watch = b.follow("lobby");
  a.put("lobby", "a1");
  await settle();
  a.store.mode = "away";
  await pass(NODE_TIMEOUT_MS * 4 / 3 + 100);
  assertEquals(watch.told, ["+a1", "-a1"]);
});

test("central presence: the members of a node stay for leaveAfterMs when it is gone, also after its goodbye", async () => {
  const { node, pass } = createScene();
  const [a, b] = [await node({ leaveAfterMs: 5_000 }), await node({ leaveAfterMs: 5_000 })];
  const watch = b.follow("lobby");
  a.put("lobby", "a1");
  await pass(NODE_TIMEOUT_MS);
  await a.source.close();
  b.source.leave("node1");
  await pass(4_900);
  assertEquals(watch.told, ["+a1"]);
  await pass(200);
  assertEquals(watch.told, ["+a1", "-a1"]);
});

test("central presence: a graceful close leaves at once, in one call", async () => {
  const { node } = createScene();
  const [a, b] = [await node(), await node()];
  const watch = b.follow("lobby");
  for (let i = 0; i < 3; i++) a.put("lobby", `a${i}`);
  await settle();
  const { purge = 0, write } = a.store.calls;
  await a.source.close();
  await settle();
  assertEquals(watch.told, ["+a0", "+a1", "+a2", "-a0", "-a1", "-a2"]);
  assertEquals([a.store.calls.purge! - purge, a.store.calls.write! - write!], [1, 0]);
});

test("central presence: a node that was frozen and purged returns once", async () => {
  const { node, pass } = createScene();
  const [a, b] = [await node(), await node()];
  const [here, there] = [a.follow("lobby"), b.follow("lobby")];
  a.put("lobby", "a1");
  b.put("lobby", "b1");
  await settle();
  a.store.mode = "away";
  await pass(NODE_TIMEOUT_MS * 4 / 3 + 100);
  assertEquals(there.told.filter((one) => one.includes("a1")), ["+a1", "-a1"]);
  a.store.mode = "fine";
  await pass(NODE_TIMEOUT_MS / 3 + 10_000);
  assertEquals(there.told.filter((one) => one.includes("a1")), ["+a1", "-a1", "+a1"]);
  assertEquals(here.told.filter((one) => one.includes("a1")), ["+a1"]);
});

test("central presence: when the store has lost everything each node writes its own entries again, and no member leaves", async () => {
  const { node, store, bus, pass } = createScene();
  const nodes = [await node(), await node(), await node()];
  const [a, b, c] = nodes as [CentralNode, CentralNode, CentralNode];
  a.put("lobby", "a1", { user: "u", state: 1 });
  b.put("lobby", "b1");
  b.put("elsewhere", "b2");
  await settle();
  const watch = c.follow("lobby");
  await watch.followed.ready;
  store.clear();
  await pass(NODE_TIMEOUT_MS * 5 / 6 + 2_000);
  assertEquals([idsOf(watch), watch.told, watch.wholes], [["a1", "b1"], ["+a1", "+b1"], [true, false, true]]);
  assertEquals([await c.source.count("elsewhere", "user"), await c.source.count("lobby", "connection")], [
    1,
    2,
  ]);
  // And where the backplane was away as well, at once.
  bus.down();
  store.clear();
  bus.up();
  await settle();
  assertEquals([await b.source.count("elsewhere", "user"), await b.source.count("lobby", "connection")], [
    1,
    2,
  ]);
  await pass(NODE_TIMEOUT_MS);
  assertEquals([watch.told, watch.wholes.at(-1)], [["+a1", "+b1"], true]);
});

test("central presence: a member that went after the store has lost everything leaves a while later", async () => {
  const { node, store, pass } = createScene();
  const [a, b] = [await node(), await node()];
  a.put("lobby", "a1");
  await settle();
  const watch = b.follow("lobby");
  await watch.followed.ready;
  a.store.mode = "away";
  store.clear();
  await pass(NODE_TIMEOUT_MS / 3 + 100);
  assertEquals([watch.told, watch.followed.whole], [["+a1"], false]);
  await pass(NODE_TIMEOUT_MS / 2);
  assertEquals([watch.told, watch.followed.whole], [["+a1", "-a1"], true]);
});

test("central presence: a place that the store has lost is written again, also without followers", async () => {
  const { node, store, pass } = createScene();
  const [a, b] = [await node(), await node()];
  a.put("lobby", "a1");
  await settle();
  await store.write("node1", "lobby", { put: [], drop: ["a1"] }); // behind its back
  assertEquals(await b.source.count("lobby", "user"), 0);
  await pass(NODE_TIMEOUT_MS / 3 + 100);
  assertEquals(await b.source.count("lobby", "user"), 1);
});

test("central presence: a ghost of this node in the store goes as soon as the place is read", async () => {
  const { node, store } = createScene();
  const [a, b] = [await node(), await node()];
  const ghost = { id: "ghost", user: undefined, node: "node1", state: undefined, at: 1 };
  await store.write("node1", "lobby", { put: [ghost], drop: [] });
  const there = b.follow("lobby");
  await settle();
  assertEquals(idsOf(there), ["ghost"]);
  const here = a.follow("lobby");
  await settle();
  assertEquals([idsOf(here), idsOf(there)], [[], []]);
});

test("central presence: nothing is left when places are left, released and closed", async () => {
  const { node, clock, store, pass } = createScene();
  const [a, b] = [await node(), await node()];
  const followed = b.source.follow("lobby");
  const again = b.source.follow("lobby");
  a.put("lobby", "a1");
  await settle();
  followed.release();
  followed.release();
  assert(b.backplane.interest.has(placeChannel("lobby")));
  again.release();
  await settle();
  assert(!b.backplane.interest.has(placeChannel("lobby")));
  a.source.drop("lobby", "a1");
  await settle();
  await pass(NODE_TIMEOUT_MS);
  await Promise.all([a.source.close(), b.source.close()]);
  await Promise.all([a.backplane.close(), b.backplane.close()]);
  assertEquals([clock.pending, await store.expired()], [0, []]);
  assertEquals([a.source.size(), b.source.size()], [{ places: 0, members: 0 }, { places: 0, members: 0 }]);
  const late = b.source.follow("lobby");
  late.release();
  await assertRejects(() => late.ready);
});

test("presence store in memory: it remembers the 10,000 places that became empty last", async () => {
  const store = createMemoryPresence({ clock: new FakeClock() });
  await store.touch("n1", { ttlMs: 1_000, places: new Map() });
  const write = (place: string, isIn: boolean) =>
    store.write("n1", place, {
      put: isIn ? [{ id: "n1.1", user: undefined, node: "n1", state: undefined, at: 0 }] : [],
      drop: isIn ? [] : ["n1.1"],
    });
  await write("stays", true);
  for (let i = 0; i < 10_002; i++) {
    await write(`place ${i}`, true);
    await write(`place ${i}`, false);
  }
  assertEquals([store.places, await store.count("stays", "user")], [10_001, 1]);
  const versions = await store.versions(["place 0", "place 1", "place 2"]);
  assertEquals(versions.map(([, number]) => number), [0, 0, 2]);
});

test("central presence: close does not wait for answers that never come", async () => {
  const { node, clock } = createScene();
  const a = await node();
  a.store.mode = "away";
  const closing = a.source.close();
  await settle();
  clock.advance(9_000);
  const asked = assertRejects(() => Promise.resolve(a.source.count("lobby", "user")), HubError, "is closed");
  await settle();
  clock.advance(1_000);
  await closing;
  await asked;
  await a.backplane.close();
  assertEquals(clock.pending, 0);
});
