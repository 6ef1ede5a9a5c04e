import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { presence, type PresenceChange } from "@trunkline/hub/client/presence";
import { rejection, turn } from "../client/setup.ts";
import { test } from "../harness.ts";
import {
  accept,
  connecting,
  forbidden,
  ids,
  opened,
  PLACE,
  reopened,
  type Room,
  say,
  TWO,
  watching,
} from "./client_rig.ts";

test("a refused view ends with the server's error; without a reader of ready, onError gets it", async () => {
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

test("a watch without an answer of the server is given up, and the server is informed", async () => {
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

test("a hub without presence gets no presence messages, because they would end the connection", async () => {
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

test("an invalid client, place, option or event is refused at the call, with what to give", async () => {
  const { client } = await opened();
  const untyped = presence as (client: unknown, place: unknown, options?: unknown) => Room;
  for (const none of [undefined, null, {}, "client"]) {
    assertThrows(() => untyped(none, "room/1"), TypeError, "give a client, as createClient() makes");
  }
  for (const place of [undefined, null, 7, {}, { topic: 7 }, ["room/1"]]) {
    assertThrows(() => untyped(client, place), TypeError, "give the name of a room, or { topic: name }");
  }
  for (const place of ["nothing", "room", "room/", "__proto__", { topic: "stats" }]) {
    const { code, message } = assertThrows(() => untyped(client, place), HubError);
    assertEquals(code, "NOT_FOUND");
    assertStringIncludes(message, '"room/:id"');
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
  assertStringIncludes((await rejection(slow.next())).message, "messages wait");
  assertEquals((await slow.next()).done, true);
  const closing = room[Symbol.asyncIterator]();
  const next = closing.next();
  room.close();
  assertEquals([(await next).done, (await closing.next()).done], [true, true]);
  assertEquals((await room[Symbol.asyncIterator]().next()).done, true);
  await rig.client.close();
});
