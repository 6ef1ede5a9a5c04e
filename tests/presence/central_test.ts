import { assert, assertEquals } from "@std/assert";
import { placeChannel } from "../../hub/backplane/channels.ts";
import { test } from "../harness.ts";
import {
  type CentralNode,
  type CentralScene,
  createScene,
  idsOf,
  NODE_TIMEOUT_MS,
  settle,
} from "./central_scene.ts";

test("central presence: a follower of a place on any node knows its members, and is told each change once", async () => {
  const { node } = createScene();
  const [a, b, c] = [await node(), await node(), await node()];
  a.put("lobby", "a1", { user: "u", state: { name: "Ann" } });
  await settle();
  const watches = [a, b].map((one) => one.follow("lobby"));
  await Promise.all(watches.map(({ followed }) => followed.ready));
  assertEquals(watches.map(idsOf), [["a1"], ["a1"]]);
  assertEquals(watches[1]!.followed.place.get("a1")?.state, { name: "Ann" });
  c.put("lobby", "c1", { user: "u" });
  a.put("lobby", "a1", { user: "u", state: { name: "Bob" } });
  await settle();
  c.source.drop("lobby", "c1");
  await settle();
  for (const { told, followed } of watches) {
    assertEquals(told.slice(-3).sort(), ["*a1", "+c1", "-c1"]);
    assertEquals([followed.whole, followed.place.count("user")], [true, 1]);
  }
  assertEquals(c.backplane.channels, 0);
  assertEquals([a, b, c].flatMap(({ errors }) => errors), []);
});

test("central presence: all changes of a turn are one write, and followers here see each at once", async () => {
  const { node } = createScene();
  const a = await node();
  const watch = a.follow("lobby");
  await watch.followed.ready;
  for (let i = 0; i < 100; i++) a.put("lobby", `a${i}`);
  for (let i = 0; i < 50; i++) a.source.drop("lobby", `a${i}`);
  assertEquals(watch.told.length, 150);
  await settle();
  assertEquals(a.store.calls.write, 1);
  assertEquals(await a.source.count("lobby", "connection"), 50);
});

test("central presence: a count and a page contain the latest changes of this node, also without followers", async () => {
  const { node } = createScene();
  const [a, b] = [await node(), await node()];
  b.put("lobby", "b1", { user: "u" });
  await settle();
  a.put("lobby", "a1", { user: "u" });
  assertEquals(await a.source.count("lobby", "connection"), 2);
  a.put("lobby", "a2", { state: 1 });
  assertEquals(await a.source.count("lobby", "user"), 2);
  a.source.drop("lobby", "a1");
  const page = await a.source.page("lobby", { by: "user", limit: 1 });
  assertEquals([page.entries.length, page.count, page.cursor !== undefined], [1, 2, true]);
  const rest = await a.source.page("lobby", { by: "user", limit: 1, cursor: page.cursor! });
  assertEquals([...page.entries, ...rest.entries].map(({ id }) => id).sort(), ["a2", "b1"]);
});

test("central presence: a change that was lost on the way is read at the next one", async () => {
  const { node, bus, pass } = createScene();
  const [a, b] = [await node(), await node()];
  const watch = b.follow("lobby");
  await watch.followed.ready;
  bus.isolate("node2");
  a.put("lobby", "a1");
  await settle();
  bus.rejoin("node2");
  a.put("lobby", "a2");
  await settle();
  assertEquals(idsOf(watch), []);
  await pass(1_000);
  assertEquals(idsOf(watch), ["a1", "a2"]);
  assertEquals(watch.told, ["+a1", "+a2"]);
  assert(watch.followed.whole);
});

test("central presence: a change that was lost on the way is read though no other one follows", async () => {
  const { node, bus, pass } = createScene();
  const [a, b] = [await node(), await node()];
  const watch = b.follow("lobby");
  a.put("lobby", "a1");
  await settle();
  bus.isolate("node2");
  a.source.drop("lobby", "a1");
  await settle();
  bus.rejoin("node2");
  assertEquals(idsOf(watch), ["a1"]);
  await pass(NODE_TIMEOUT_MS / 3 + 1_100);
  assertEquals(watch.told, ["+a1", "-a1"]);
});

test("central presence: a version that the store never made is looked for once", async () => {
  const { node, pass } = createScene();
  const [a, b] = [await node(), await node()];
  a.put("lobby", "a1");
  await settle();
  const watch = b.follow("lobby");
  await watch.followed.ready;
  const { version: [epoch] } = await b.store.read("lobby", { by: "user", limit: 1 });
  const reads = b.store.calls.read!;
  a.backplane.publish(placeChannel("lobby"), ["in", "another epoch", 1, [["ghost", null, 1]], []]);
  await pass(100);
  a.backplane.publish(placeChannel("lobby"), ["in", epoch, 999, [["ghost", null, 1]], []]);
  await pass(NODE_TIMEOUT_MS);
  assertEquals([idsOf(watch), watch.followed.whole], [["a1"], true]);
  assert(b.store.calls.read! - reads <= 3, `It is read ${b.store.calls.read! - reads} times`);
  a.put("lobby", "a2");
  await settle();
  assertEquals(idsOf(watch), ["a1", "a2"]);
});

test("central presence: a store that has lost its last changes, and counts on, is read when the backplane is back", async () => {
  const { node, bus, store } = createScene();
  const [a, b] = [await node(), await node()];
  a.put("lobby", "a1");
  await settle();
  const watch = b.follow("lobby");
  await watch.followed.ready;
  bus.down();
  // What takes over has not heard of the last change, but of another one of the same number.
  const read = store.read.bind(store);
  const entry = { id: "a2", user: undefined, node: "node1", state: undefined, at: 1 };
  b.store.replace = async (...args) => ({ ...await read(...args), entries: [entry] });
  bus.up();
  await settle();
  assertEquals(idsOf(watch), ["a2"]);
});

test("central presence: while the backplane is away nothing is whole, and on its return only differences are told", async () => {
  const { node, bus } = createScene();
  const [a, b] = [await node(), await node()];
  a.put("lobby", "a1");
  a.put("lobby", "a2");
  await settle();
  const watch = b.follow("lobby");
  await watch.followed.ready;
  watch.told.length = 0;
  bus.down();
  a.source.drop("lobby", "a2");
  a.put("lobby", "a3");
  b.put("lobby", "b1");
  await settle();
  assertEquals([watch.wholes, watch.told, b.errors.length > 0], [[true, false], ["+b1"], true]);
  bus.up();
  await settle();
  assertEquals([watch.wholes, watch.told.slice(1).sort()], [[true, false, true], ["+a3", "-a2"]]);
});

test("central presence: changes that are too large for the backplane are read from the store", async () => {
  const { node } = createScene();
  const [a, b] = [await node({ maxMessageBytes: 10_000 }), await node()];
  const watch = b.follow("lobby");
  await watch.followed.ready;
  a.put("lobby", "a1", { state: "x".repeat(20_000) });
  await settle();
  assertEquals((watch.followed.place.get("a1")?.state as string).length, 20_000);
  assertEquals(a.errors, []);
});

test("central presence: a state that the schema refuses is reported, and its member is there without one", async () => {
  const { node } = createScene();
  const [a, b] = [await node(), await node()];
  const watch = b.follow("lobby");
  await watch.followed.ready;
  a.put("lobby", "a1", { state: "bad" });
  await settle();
  assertEquals(watch.followed.place.get("a1")?.state, undefined);
  assertEquals(b.errors.map(String), ["HubError: Cannot read the state of a1"]);
});

/** A place of several pages, which changes once while the second node reads it. */
async function readWhileItChanges(change: (scene: CentralScene, a: CentralNode) => Promise<void>) {
  const scene = createScene();
  const [a, b] = [await scene.node(), await scene.node()];
  for (let i = 1_000; i < 3_500; i++) a.put("lobby", `a${i}`, { user: `u${i % 100}` });
  await settle();
  b.store.afterRead = async () => {
    b.store.afterRead = () => Promise.resolve();
    await change(scene, a);
  };
  const watch = b.follow("lobby");
  return { ...scene, a, b, watch };
}

test("central presence: changes while a place is read in pages are in it when it is whole", async () => {
  const { b, watch, pass } = await readWhileItChanges(async (_, a) => {
    a.source.drop("lobby", "a1001"); // of the page that was read
    a.put("lobby", "a1002b");
    await settle();
    a.put("lobby", "a1002b", { state: 1 });
    a.source.drop("lobby", "a3001"); // of one that was not
    await settle();
  });
  await pass(500);
  assertEquals([watch.followed.whole, b.store.calls.read], [true, 3]);
  const { place } = watch.followed;
  assertEquals([place.get("a1001"), place.get("a3001"), place.get("a1002b")?.state], [
    undefined,
    undefined,
    1,
  ]);
  assertEquals([place.count("connection"), new Set(watch.told).size], [2_499, 2_499]);
  await pass(NODE_TIMEOUT_MS);
  assertEquals([b.store.calls.read, watch.told.length], [3, 2_499]);
});

test("central presence: a place is read again if changes during the read were lost", async () => {
  const { b, watch, pass } = await readWhileItChanges(async ({ bus }, a) => {
    bus.isolate("node2");
    a.source.drop("lobby", "a1001");
    await settle();
    bus.rejoin("node2");
  });
  await pass(500);
  assertEquals([watch.followed.whole, watch.told], [false, []]);
  await pass(1_000);
  assertEquals([watch.followed.whole, b.store.calls.read, b.errors], [true, 6, []]);
  assertEquals(watch.followed.place.count("connection"), 2_499);
});

test("central presence: a list after a listener equals the events of the listener, page by page", async () => {
  const { node } = createScene();
  const [a, b] = [await node(), await node()];
  for (let i = 0; i < 5; i++) a.put("lobby", `a${i}`, { user: `u${i}` });
  await settle();
  const watch = b.follow("lobby"); // not read yet
  const first = await b.source.page("lobby", { by: "user", limit: 2 });
  assertEquals([first.entries.map(({ id }) => id), first.count, watch.followed.whole], [
    ["a0", "a1"],
    5,
    true,
  ]);
  assertEquals(b.store.calls.read, 1); // that of the place
  watch.followed.release();
  const second = await b.source.page("lobby", { by: "user", limit: 2, cursor: first.cursor! });
  assertEquals(second.entries.map(({ id }) => id), ["a2", "a3"]);
  const stored = await b.source.page("lobby", { by: "user", limit: 2 });
  const again = b.follow("lobby");
  await again.followed.ready;
  const rest = await b.source.page("lobby", { by: "user", limit: 10, cursor: stored.cursor! });
  assertEquals(new Set([...stored.entries, ...rest.entries].map(({ id }) => id)).size, 5);
});

test("central presence: bytes in a state, and names that look like them, arrive as they were", async () => {
  const { node } = createScene();
  const [a, b] = [await node(), await node()];
  const state = { bytes: new Uint8Array([1, 2, 3]), $bytes: "AQID" };
  const watch = b.follow("lobby");
  await watch.followed.ready;
  a.put("lobby", "a1", { state });
  await settle();
  assertEquals(watch.followed.place.get("a1")!.state, state as unknown);
  b.source.missed();
  await settle();
  assertEquals(watch.told, ["+a1"]);
  const { entries } = await a.source.page("lobby", { by: "user", limit: 1 });
  assertEquals(entries[0]!.state, state as unknown);
});

test("central presence: a page that continues after the last follower has gone keeps nothing", async () => {
  const { node, clock } = createScene();
  const a = await node();
  for (const id of ["a1", "a2", "a3"]) a.put("lobby", id);
  const watch = a.follow("lobby");
  await watch.followed.ready;
  await settle();
  const query = { by: "user", limit: 1 } as const;
  const { cursor } = await a.source.page("lobby", query);
  watch.followed.release();
  clock.advance(20_000);
  await settle();
  const pending = clock.pending;
  const next = await a.source.page("lobby", { ...query, cursor: cursor! });
  assertEquals([next.entries.map(({ id }) => id), clock.pending], [["a2"], pending]);
});

test("central presence: of a user's connections the same state shows with and without a follower of the place", async () => {
  const { node } = createScene();
  const [a, b, c] = [await node(), await node(), await node()];
  a.put("lobby", "a1", { user: "ann", state: { n: 1 }, at: 5 });
  b.put("lobby", "b1", { user: "ann", at: 10 }); // a tab that was just opened
  await settle();
  const shown = async () => {
    const { entries } = await c.source.page("lobby", { by: "user", limit: 10 });
    return entries.map(({ id, state }) => [id, state]);
  };
  assertEquals(await shown(), [["a1", { n: 1 }]]);
  const watch = c.follow("lobby");
  await watch.followed.ready;
  assertEquals(await shown(), [["a1", { n: 1 }]]);
});

test("central presence: of a user's states the one that was set last shows, however clocks differ, where the place is followed", async () => {
  const { node } = createScene();
  const [a, b] = [await node(), await node()];
  const watches = [a.follow("lobby"), b.follow("lobby")];
  await Promise.all(watches.map(({ followed }) => followed.ready));
  a.put("lobby", "a1", { user: "ann", state: 1, at: 9_000_000 });
  await settle();
  b.put("lobby", "b1", { user: "ann", state: 2, at: 5 });
  await settle();
  assertEquals(watches.map(({ followed }) => followed.place.member("user", "ann")!.state), [2, 2]);
});

test("central presence: if other nodes cannot be told of a place, its changes are in the store anyway", async () => {
  const { node } = createScene();
  const [a, b] = [await node({ maxMessageBytes: 1 }), await node()];
  for (let i = 0; i < 2; i++) {
    a.put("lobby", "a1");
    await settle();
    assertEquals(await b.source.count("lobby", "user"), 1);
    a.source.drop("lobby", "a1");
    await settle();
    assertEquals(await b.source.count("lobby", "user"), 0);
  }
  assertEquals(a.errors.length, 1);
});

test("central presence: pages that continue after the followers have gone read the whole place once, for all callers at the time", async () => {
  const { node } = createScene();
  const a = await node();
  for (let i = 0; i < 20; i++) a.put("lobby", `a${i}`);
  const watch = a.follow("lobby");
  await watch.followed.ready;
  const query = { by: "user", limit: 1 } as const;
  const { cursor } = await a.source.page("lobby", query);
  watch.followed.release();
  await settle();
  const before = a.store.calls.read!;
  const pages = await Promise.all(
    Array.from({ length: 100 }, () => a.source.page("lobby", { ...query, cursor: cursor! })),
  );
  assertEquals(new Set(pages.map(({ entries }) => entries[0]?.id)), new Set(["a1"]));
  assertEquals(a.store.calls.read! - before, 1);
  await a.source.page("lobby", { ...query, cursor: cursor! }); // nothing was kept
  assertEquals(a.store.calls.read! - before, 2);
});
