import { assertEquals } from "@std/assert";
import type { HubError } from "@trunkline/hub";
import { presence } from "@trunkline/hub/client/presence";
import { settled, turn } from "../client/setup.ts";
import { test } from "../harness.ts";
import {
  accept,
  forbidden,
  ids,
  opened,
  PLACE,
  record,
  reopened,
  type Room,
  say,
  TWO,
  watching,
  welcome,
} from "./client_rig.ts";

test("a view is ready when all members are known; they are listed by their ids, parsed, and are no joins", async () => {
  const rig = await opened();
  const room: Room = presence(rig.client, "room/1");
  const seen = record(room);
  assertEquals([room.name, room.by, room.status, room.count, room.synced, ids(room)], [
    "room/1",
    "user",
    "syncing",
    0,
    false,
    [],
  ]);
  await turn();
  assertEquals(rig.server.link.sent("watch"), [["watch", 1, PLACE, { by: "user" }]]);
  rig.server.link.say(["res", 1], ["who", PLACE, "user", {
    nodes: ["n2"],
    all: [["bob", 1, 0, { mood: "x" }]],
    more: true,
  }]);
  assertEquals([await settled(room.ready), ids(room), room.count, seen], [false, [], 0, []]);
  say(rig, { nodes: ["n1"], in: [["ann", 1, 0], ["c7", 0, 0]], count: 3, synced: true });
  await room.ready;
  assertEquals(room.list(), [
    { id: "ann", user: "ann", node: "n1", state: undefined },
    { id: "bob", user: "bob", node: "n2", state: { mood: "X" } },
    { id: "c7", user: undefined, node: "n1", state: undefined },
  ]);
  assertEquals([room.status, room.count, room.synced, room.listed, seen], ["live", 3, true, true, [
    "count 3",
    "sync",
  ]]);
  await rig.client.close();
});

test("members that come, change and leave are told in that order, after the list contains them", async () => {
  const rig = await watching();
  const { room, seen } = rig;
  seen.length = 0;
  const during: string[][] = [];
  room.on("leave", () => void during.push(ids(room)));
  say(rig, {
    nodes: ["n3"],
    out: ["ann", "nobody"],
    in: [["bob", 1, 0, { mood: "sad" }], ["cleo", 1, 0]],
    count: 2,
  });
  assertEquals(seen, ["leave ann@n1 -", "update bob@n3 SAD", "join cleo@n3 -"]);
  assertEquals([during, ids(room)], [[["bob", "cleo"]], ["bob", "cleo"]]);
  say(rig, { nodes: ["n3"], in: [["bob", 1, 0, { mood: "sad" }]] }); // as it was
  say(rig, { out: ["cleo"], count: 1 });
  assertEquals(seen.slice(3), ["leave cleo@n3 -", "count 1"]);
  await rig.client.close();
});

test("after a reconnect differences are told as events, then sync; meanwhile the list stays, and is not synced", async () => {
  const rig = await watching();
  const { room, seen, server } = rig;
  seen.length = 0;
  server.link.close();
  await turn();
  assertEquals([room.status, room.synced, ids(room), room.count], ["syncing", false, ["ann", "bob"], 2]);
  await rig.retry();
  server.link.welcome(welcome);
  await turn();
  assertEquals(server.link.sent("watch").length, 1);
  const nodes = ["n2", "n9"];
  const [, id] = server.link.sent("watch")[0]!;
  server.link.say(["res", id], ["who", PLACE, "user", { nodes, all: [["cleo", 1, 0]], more: true }]);
  assertEquals([seen, ids(room)], [[], ["ann", "bob"]]);
  say(rig, { nodes, in: [["bob", 1, 0, { mood: "merry" }], ["dan", 1, 1]], count: 3, synced: true });
  assertEquals(seen, ["leave ann@n1 -", "join cleo@n2 -", "join dan@n9 -", "count 3", "sync"]);
  assertEquals([room.status, ids(room)], ["live", ["bob", "cleo", "dan"]]);
  await reopened(rig);
  accept(rig, {
    nodes,
    all: [["bob", 1, 1, { mood: "sad" }], ["cleo", 1, 0], ["dan", 1, 1]],
    count: 3,
    synced: true,
  });
  assertEquals(seen.slice(5), ["update bob@n9 SAD", "sync"]);
  await rig.client.close();
});

test("a link that breaks in the middle of a list leaves nothing of it", async () => {
  const rig = await watching();
  const { room, seen } = rig;
  await reopened(rig);
  accept(rig, { nodes: ["n1"], all: [["zoe", 1, 0]], more: true });
  await reopened(rig);
  assertEquals(ids(room), ["ann", "bob"]);
  accept(rig, TWO);
  assertEquals([seen, ids(room)], [["count 2", "sync", "sync"], ["ann", "bob"]]);
  await rig.client.close();
});

test("while the server does not know all members, the status says so, and sync tells when it does again", async () => {
  const rig = await opened();
  const room: Room = presence(rig.client, "room/1");
  await turn();
  accept(rig, { ...TWO, synced: false });
  assertEquals([room.status, ids(room), await settled(room.ready)], ["syncing", ["ann", "bob"], false]);
  const seen = record(room);
  say(rig, { synced: true });
  await room.ready;
  say(rig, { synced: false });
  assertEquals([room.status, seen], ["syncing", ["sync"]]);
  say(rig, { nodes: ["n1"], in: [["cleo", 1, 0]], count: 3 });
  say(rig, { synced: true });
  assertEquals(seen, ["sync", "join cleo@n1 -", "count 3", "sync"]);
  await rig.client.close();
});

test("in a place with too many members only the count is told; when they are listed again no join is told", async () => {
  const rig = await watching();
  const { room, seen } = rig;
  seen.length = 0;
  say(rig, { listed: false, count: 1_001 });
  assertEquals([room.listed, ids(room), room.count, room.status], [false, [], 1_001, "live"]);
  say(rig, { listed: false, count: 1_002 });
  say(rig, { nodes: ["n1"], all: [["ann", 1, 0]], count: 1 });
  assertEquals([room.listed, ids(room), room.count], [true, ["ann"], 1]);
  say(rig, { nodes: ["n1"], in: [["bob", 1, 0]], count: 2 });
  assertEquals(seen, ["count 1001", "count 1002", "count 1", "join bob@n1 -", "count 2"]);
  await rig.client.close();
});

test("views of one place share a watch, which ends with the last of them; by connection is another one", async () => {
  const rig = await watching();
  const { client, server, room } = rig;
  const second: Room = presence(client, "room/1");
  assertEquals([second.status, ids(second)], ["live", ["ann", "bob"]]);
  await second.ready;
  const single: Room = presence(client, "room/1", { by: "connection" });
  await turn();
  assertEquals(server.link.sent("watch").map(([, , ...rest]) => rest), [
    [PLACE, { by: "user" }],
    [PLACE, { by: "connection" }],
  ]);
  server.link.say(["res", 2], ["who", PLACE, "connection", {
    nodes: ["n1"],
    all: [["c1", "ann", 0]],
    count: 1,
    synced: true,
  }]);
  assertEquals(single.list(), [{ id: "c1", user: "ann", node: "n1", state: undefined }]);
  const heard = record(second);
  room.close();
  room.close();
  assertEquals([room.status, await room.closed], ["ended", undefined]);
  say(rig, { out: ["ann"], count: 1 });
  assertEquals([heard, rig.seen.includes("leave ann@n1 -")], [["leave ann@n1 -", "count 1"], false]);
  await second[Symbol.asyncDispose]();
  single.close();
  await turn();
  assertEquals(server.link.sent("unwatch"), [["unwatch", PLACE, "user"], ["unwatch", PLACE, "connection"]]);
  await client.close();
  assertEquals(rig.clock.pending, 0);
});

test("an answer to a watch that was given up, or never requested, does not reach a later one", async () => {
  const rig = await watching();
  const { client, server, room } = rig;
  room.close();
  say(rig, { nodes: ["n1"], in: [["ghost", 1, 0]], count: 9 });
  const again: Room = presence(client, "room/1");
  await turn();
  say(rig, { nodes: ["n1"], all: [["ghost", 1, 0]], count: 9, synced: true });
  say(rig, { error: forbidden });
  server.link.say(["who", "room:room/2", "user", TWO], ["who", PLACE, "connection", TWO], [
    "who",
    "",
    "user",
    {},
  ]);
  assertEquals([again.status, ids(again), again.count], ["syncing", [], 0]);
  accept(rig, TWO);
  assertEquals([again.status, ids(again)], ["live", ["ann", "bob"]]);
  await client.close();
});

test("a state that does not fit is no state, and reported; the member is there", async () => {
  const rig = await watching();
  say(rig, { nodes: ["n1"], in: [["cleo", 1, 0, { mood: 7 }]], count: 3 });
  assertEquals(rig.room.list().at(-1), { id: "cleo", user: "cleo", node: "n1", state: undefined });
  assertEquals(rig.errors.map(({ error, info }) => [(error as HubError).code, info.stage]), [[
    "VALIDATION",
    "presence",
  ]]);
  await rig.client.close();
});

test("a listener that throws is reported and disturbs no other; a listener that closes its view gets no more events", async () => {
  const rig = await watching();
  const { room, errors, client } = rig;
  const other = record(presence(client, "room/1"));
  const failure = new Error("mine");
  room.on("leave", () => {
    throw failure;
  });
  room.on("leave", () => Promise.reject(failure));
  const off = room.on("leave", () => room.close());
  room.on(
    "count",
    () => errors.push({ error: "heard after its view was closed", info: { stage: "presence" } }),
  );
  say(rig, { out: ["ann"], count: 1 });
  await turn();
  assertEquals(
    errors.map(({ error, info }) => [error, info]),
    Array(2).fill([failure, { stage: "presence", name: "room/1" }]),
  );
  assertEquals(other, ["leave ann@n1 -", "count 1"]);
  off();
  await client.close();
});

test("the place of a topic is another one than the room of that name", async () => {
  const rig = await opened();
  const [topic, room] = [presence(rig.client, { topic: "ticker/A" }), presence(rig.client, "ticker/A")];
  await turn();
  assertEquals(rig.server.link.sent("watch").map((message) => message[2]), [
    "topic:ticker/A",
    "room:ticker/A",
  ]);
  accept(rig, { nodes: ["n1"], all: [["ann", 1, 0, "any"]], count: 1, synced: true }, "topic:ticker/A");
  assertEquals([topic.list()[0]?.state, room.list(), topic.name], ["any", [], "ticker/A"]);
  await rig.client.close();
});

test("a client without presence ignores presence messages", async () => {
  const { client, server, errors } = await opened();
  server.link.say(["who", PLACE, "user", TWO], ["who", PLACE, "anything" as "user", { odd: true } as never]);
  await turn();
  assertEquals([client.status, errors], ["open", []]);
  await client.close();
});
