import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { presence, type PresenceChange } from "@trunkline/hub/client/presence";
import type { WhoChange } from "@trunkline/hub/contract";
import { rejection, settled, turn } from "../client/setup.ts";
import { test } from "../harness.ts";
import {
  accept,
  connecting,
  ids,
  opened,
  PLACE,
  record,
  reopened,
  type Rig,
  type Room,
  TWO,
  watching,
  welcome,
} from "./client_rig.ts";

const forbidden = { code: "FORBIDDEN", message: "Not in" };

/** Tells what has become of the room. */
const say = ({ server }: Rig, change: WhoChange) => server.link.say(["who", PLACE, "user", change]);

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

test("those who come, change and leave are told in that order of a change, after the list has them", async () => {
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

test("after a reconnect what differs is told as events, then sync; meanwhile the list stays, and is not synced", async () => {
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

test("what the server does not know of everybody is told by status, and sync says when it does again", async () => {
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

test("in a place with too many only the count is told; when they are listed again nobody has joined", async () => {
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

test("who is told of a watch that was given up, or was never asked for, is not told of a later one", async () => {
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

test("a view that is refused ends with the server's error; who did not look at ready hears of it by onError", async () => {
  const rig = await opened();
  const { client, server, errors } = rig;
  const [first, second] = [presence(client, "room/1"), presence(client, "room/2")];
  const ready = rejection(first.ready);
  await turn();
  server.link.say(["err", 1, forbidden], ["err", 2, forbidden]);
  assertEquals([(await ready).code, (await first.closed)?.code, first.status], [
    "FORBIDDEN",
    "FORBIDDEN",
    "ended",
  ]);
  assertEquals((await second.closed)?.code, "FORBIDDEN");
  assertEquals(errors.map(({ info }) => info), [{ stage: "presence", name: "room/2" }]);
  await turn();
  assertEquals(server.link.sent("unwatch"), []);
  await client.close();
});

test("a view whose client leaves the place ends, and its readers with it", async () => {
  const rig = await watching();
  const { room, seen, errors, server, client } = rig;
  const reader = room[Symbol.asyncIterator]();
  const next = rejection(reader.next());
  say(rig, { error: forbidden });
  assertEquals([(await next).code, (await room.closed)?.code, room.status], [
    "FORBIDDEN",
    "FORBIDDEN",
    "ended",
  ]);
  assertEquals((await reader.next()).done, true);
  assertEquals(errors.map(({ info }) => info), [{ stage: "presence", name: "room/1" }]);
  say(rig, { out: ["ann"], count: 1 });
  assertEquals(seen, ["count 2", "sync"]);
  await reopened(rig);
  assertEquals(server.link.sent("watch"), []);
  assertEquals((await rejection(room.set({ mood: "x" }))).code, "FORBIDDEN");
  await client.close();
});

test("a watch that worked once is tried again when the server cannot for now, with growing waits; the list stays", async () => {
  const rig = await watching();
  const { room, server, clock, errors } = rig;
  await reopened(rig);
  for (const [i, waitMs] of [250, 500, 1_000].entries()) {
    server.link.say(["err", server.link.sent("watch").at(-1)![1], {
      code: "UNAVAILABLE",
      message: "Not now",
    }]);
    assertEquals([room.status, ids(room), errors.length], ["syncing", ["ann", "bob"], i + 1]);
    clock.advance(waitMs - 1);
    await turn();
    assertEquals(server.link.sent("watch").length, i + 1);
    clock.advance(1);
    await turn();
    assertEquals(server.link.sent("watch").length, i + 2);
  }
  accept(rig, TWO);
  assertEquals(room.status, "live");
  await rig.client.close();
  assertEquals(clock.pending, 0);
});

test("a watch that the server does not answer is given up, and the server told so", async () => {
  const rig = await opened({ requestTimeoutMs: 1_000 });
  const room = presence(rig.client, "room/1");
  const ready = rejection(room.ready);
  await turn();
  rig.clock.advance(1_000);
  assertEquals((await ready).code, "TIMEOUT");
  await turn();
  assertEquals(rig.server.link.sent("unwatch"), [["unwatch", PLACE, "user"]]);
  accept(rig, TWO);
  assertEquals([room.status, ids(room as Room)], ["ended", []]);
  await rig.client.close();
});

test("a hub that keeps no presence is asked nothing, for it would end the connection", async () => {
  const rig = await connecting();
  const { client, server, errors, clock } = rig;
  server.link.welcome();
  await client.ready;
  const room = presence(client, "room/1");
  assertEquals((await rejection(room.ready)).code, "UNAVAILABLE");
  await client.close();

  const moved = await watching();
  moved.server.link.close();
  await moved.retry();
  moved.server.link.welcome(); // an old version, while a deployment is under way
  await turn();
  assertEquals([moved.room.status, ids(moved.room)], ["syncing", ["ann", "bob"]]);
  assertEquals((await rejection(moved.room.set({ mood: "x" }))).code, "UNAVAILABLE");
  assertEquals((await rejection(moved.room.page())).code, "UNAVAILABLE");
  await turn();
  assertEquals(moved.server.link.messages.map(([kind]) => kind), ["hello"]);
  await reopened(moved);
  accept(moved, TWO);
  assertEquals(moved.room.status, "live");
  await moved.client.close();
  assertEquals([errors.length, clock.pending, moved.clock.pending], [0, 0, 0]);
});

test("a change that cannot be read ends the view and the watch; one that is not of the protocol, the connection", async () => {
  const rig = await watching();
  rig.server.link.sayRaw(`[["who","${PLACE}","user",{"in":[["eve",1,0,{"__proto__":1}]],"nodes":["n1"]}]]`);
  assertEquals((await rig.room.closed)?.code, "BAD_REQUEST");
  await turn();
  assertEquals([rig.server.link.sent("unwatch").length, rig.client.status], [1, "open"]);
  await rig.client.close();

  const broken = await watching();
  say(broken, { in: [["eve", 1, 7]] });
  assertEquals(broken.server.link.closedBy?.code, 4500);
  assertEquals([broken.client.status, broken.room.status, ids(broken.room)], ["reconnecting", "syncing", [
    "ann",
    "bob",
  ]]);
  assertEquals(broken.errors.map(({ info }) => info.stage), ["protocol"]);
  await broken.client.close();
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

test("a listener that throws hurts nobody, and is reported; a listener that closes its view is the last that it hears", async () => {
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

test("a view closes with its signal, and with its client; nothing of it is left", async () => {
  const abort = new AbortController();
  const rig = await opened();
  const { client, server, clock } = rig;
  const room = presence(client, "room/1", { signal: abort.signal });
  const ready = rejection(room.ready);
  await turn();
  abort.abort(new Error("enough"));
  assertEquals(((await ready) as Error).message, "enough");
  assertEquals([room.status, await room.closed], ["ended", undefined]);
  assertEquals(
    assertThrows(() => presence(client, "room/1", { signal: abort.signal }), Error).message,
    "enough",
  );
  await turn();
  assertEquals(server.link.sent("unwatch"), [["unwatch", PLACE, "user"]]);
  const second = presence(client, "room/2");
  const waiting = rejection(second.ready);
  await client.close();
  assertEquals([(await waiting).code, (await second.closed)?.code, clock.pending], [
    "DISCONNECTED",
    "DISCONNECTED",
    0,
  ]);
  const late = presence(client, "room/3");
  assertEquals([(await rejection(late.ready)).code, late.status, rig.errors], ["DISCONNECTED", "ended", []]);
});

test("what is no client, place, option or event is refused at the call, and says what to give", async () => {
  const { client } = await opened();
  const untyped = presence as (client: unknown, place: unknown, options?: unknown) => Room;
  for (const none of [undefined, null, {}, "client"]) {
    assertThrows(() => untyped(none, "room/1"), TypeError, "give a client, as createClient() makes");
  }
  for (const place of [undefined, null, 7, {}, { topic: 7 }, ["room/1"]]) {
    assertThrows(() => untyped(client, place), TypeError, "give the name of a room, or { topic: name }");
  }
  for (const place of ["nothing", "room", "room/", "__proto__", { topic: "stats" }]) {
    assertEquals(assertThrows(() => untyped(client, place), HubError).code, "NOT_FOUND");
  }
  assertThrows(() => untyped(client, "room/1", { by: "role" }), TypeError, "by of presence");
  assertThrows(() => untyped(client, "room/1", { buy: "user" }), TypeError, "by");
  const room = untyped(client, "room/1");
  const on = room.on as unknown as (event: unknown, listener?: unknown) => void;
  for (const event of ["joined", undefined, "__proto__", "toString"]) {
    assertThrows(() => on.call(room, event, () => {}), TypeError, "on");
  }
  assertThrows(() => on.call(room, "join", 7), TypeError, "give a function");
  for (const query of [{ limit: 0 }, { limit: 1_001 }]) await rejection(room.page(query));
  await client.close();
});

test("changes can be read one by one; a reader that falls too far behind is ended by an error", async () => {
  const rig = await watching();
  const { room } = rig;
  const read: string[] = [];
  const done = (async () => {
    for await (const { type, member } of room as AsyncIterable<PresenceChange>) {
      read.push(`${type} ${member.id}`);
      if (member.id === "end") return;
    }
  })();
  const slow = room[Symbol.asyncIterator]();
  say(rig, { nodes: ["n1"], out: ["ann"], in: [["cleo", 1, 0]] });
  say(rig, { nodes: ["n1"], in: [["end", 1, 0]] });
  await done;
  assertEquals(read, ["leave ann", "join cleo", "join end"]);
  for (let i = 0; i < 10_000; i++) {
    say(rig, { out: ["end"], nodes: ["n1"], in: [["end", 1, 0, { mood: `${i}` }]] });
  }
  assertStringIncludes((await rejection(slow.next())).message, "behind");
  assertEquals((await slow.next()).done, true);
  const closing = room[Symbol.asyncIterator]();
  const next = closing.next();
  room.close();
  assertEquals([(await next).done, (await closing.next()).done], [true, true]);
  assertEquals((await room[Symbol.asyncIterator]().next()).done, true);
  await rig.client.close();
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

test("a client without presence takes no notice of who is where", async () => {
  const { client, server, errors } = await opened();
  server.link.say(["who", PLACE, "user", TWO], ["who", PLACE, "anything" as "user", { odd: true } as never]);
  await turn();
  assertEquals([client.status, errors], ["open", []]);
  await client.close();
});
