import { assertEquals, assertStringIncludes } from "@std/assert";
import { presence } from "@trunkline/hub/client/presence";
import { rejection, settled, turn } from "../client/setup.ts";
import { test } from "../harness.ts";
import type { ServerMessage } from "@trunkline/hub/contract";
import {
  accept,
  connecting,
  opened,
  PLACE,
  reopened,
  type Room,
  TWO,
  watching,
  welcome,
} from "./client_rig.ts";

test("an own state is checked here, sent as it was given, and set when the server says so", async () => {
  const { client, server, room } = await watching();
  const done = room.set({ mood: "merry" });
  await turn();
  assertEquals(server.link.sent("state"), [["state", 2, PLACE, { mood: "merry" }]]);
  assertEquals(await settled(done), false);
  server.link.say(["res", 2]);
  assertEquals(await done, undefined);

  const untyped = room as unknown as { set(state: unknown): Promise<void> };
  for (const state of [undefined, null, {}, { mood: 7 }]) {
    const error = await rejection(untyped.set(state));
    assertEquals([error.code, error.message.includes('"room/1"')], ["VALIDATION", true]);
  }
  const refused = rejection(room.set({ mood: "x" }));
  await turn();
  server.link.say(["err", 3, { code: "FORBIDDEN", message: "Not in" }]);
  assertEquals((await refused).code, "FORBIDDEN");
  await client.close();
  assertEquals((await rejection(room.set({ mood: "x" }))).code, "DISCONNECTED");
});

test("if the contract does not let clients set a state, the call says so, and nothing is sent", async () => {
  const { client, server } = await opened();
  const quiet = presence(client, "quiet/1") as unknown as Room;
  const error = await rejection(quiet.set({ mood: "x" }));
  assertEquals(error.code, "FORBIDDEN");
  assertStringIncludes(error.message, 'the contract has no clientsSet at "quiet/:id"');
  assertEquals(server.link.sent("state"), []);
  await client.close();
});

test("an own state is set again on every connection, the last one that was accepted, before the place is watched", async () => {
  const rig = await watching();
  const { client, room, errors } = rig;
  for (const [i, mood] of ["merry", "sad"].entries()) {
    const set = room.set({ mood });
    await turn();
    rig.server.link.say(["res", 2 + i]);
    await set;
  }
  const lost = rejection(room.set({ mood: "never heard of" }));
  await turn();
  await reopened(rig);
  assertEquals((await lost).code, "DISCONNECTED");
  const said = rig.server.link.messages.slice(1);
  assertEquals(said, [["state", 5, PLACE, { mood: "sad" }], ["watch", 6, PLACE, { by: "user" }]]);
  rig.server.link.close(); // before it was answered: that is nothing to report
  await rig.retry();
  rig.server.link.welcome(welcome);
  await turn();
  assertEquals(rig.server.link.sent("state").length, 1);
  const [, id] = rig.server.link.sent("state")[0]!;
  rig.server.link.say(["err", id, { code: "FORBIDDEN", message: "Not in" }]);
  accept(rig, TWO);
  await turn();
  assertEquals(errors.map(({ info }) => info), [{ stage: "presence", name: "room/1" }]);
  room.close();
  await reopened(rig);
  assertEquals(rig.server.link.sent("state"), []);
  await client.close();
});

test("an own state outlives the view that has set it, as long as there is another view of the place", async () => {
  const rig = await watching();
  const { client, server, room } = rig;
  const other = presence(client, "room/1", { by: "connection" });
  const set = room.set({ mood: "merry" });
  await turn();
  room.close(); // before there is an answer
  server.link.say(["res", server.link.sent("state")[0]![1]]);
  assertEquals(await set, undefined);
  await reopened(rig);
  assertEquals(rig.server.link.sent("state").map(([, , ...rest]) => rest), [[PLACE, { mood: "merry" }]]);

  // With the last view it goes, also where the answer comes later.
  const last = other.set({ mood: "sad" });
  await turn();
  other.close();
  server.link.say(["res", server.link.sent("state").at(-1)![1]]);
  await last;
  presence(client, "room/1");
  await reopened(rig);
  assertEquals(rig.server.link.sent("state"), []);
  await client.close();
});

test("an own state is set again with the value of the call, whatever has happened to the object since", async () => {
  const rig = await watching();
  const { client, server, room } = rig;
  const state = { mood: "merry" };
  const set = room.set(state);
  await turn();
  state.mood = "never said";
  server.link.say(["res", 2]);
  await set;
  await reopened(rig);
  assertEquals(rig.server.link.sent("state").map(([, , , state]) => state), [{ mood: "merry" }]);
  await client.close();
});

for (const offline of ["fail", undefined] as const) {
  test(`a state that is set before the one before it is set again takes its place, unless it fails (offline: ${offline})`, async () => {
    const rig = await watching({}, { offline });
    const { client, room } = rig;
    const old = room.set({ mood: "old" });
    await turn();
    rig.server.link.say(["res", 2]);
    await old;
    /** The states that a link was sent when one is set while something greets the server, and the answer to it. */
    const sent = async (mood: string, answer: (id: number) => ServerMessage) => {
      rig.server.link.close();
      await rig.retry();
      rig.server.link.welcome(welcome);
      await turn();
      const set = room.set({ mood }).catch(() => {});
      await turn();
      const { link } = rig.server;
      link.say(["res", link.sent("req")[0]![1]]);
      await turn();
      link.say(answer(link.sent("state")[0]![1]));
      await set;
      await turn();
      return link.sent("state").map(([, , , state]) => (state as { mood: string }).mood);
    };
    client.onOpen(() => client.request("join", "room/1").catch(() => {}));
    await turn();
    assertEquals(await sent("new", (id) => ["res", id]), ["new"]);
    const refused = (id: number): ServerMessage => ["err", id, { code: "RATE_LIMITED", message: "Slower" }];
    assertEquals(await sent("newer", refused), ["newer", "new"]);
    await reopened(rig);
    const [, id] = rig.server.link.sent("req")[0]!;
    rig.server.link.say(["res", id]);
    await turn();
    assertEquals(rig.server.link.sent("state").map(([, , , state]) => state), [{ mood: "new" }]);
    await client.close();
  });
}

test("while there is no link a state waits like requests, and leaves after the messages of onOpen", async () => {
  const { client, server } = await connecting();
  const room: Room = presence(client, "room/1");
  client.onOpen(() => client.request("join", "room/1"));
  const set = room.set({ mood: "merry" });
  await turn();
  server.link.welcome(welcome);
  await turn();
  assertEquals(server.link.messages.slice(1), [["req", 1, "join", "room/1"]]);
  server.link.say(["res", 1]);
  await turn();
  assertEquals(server.link.messages.slice(2), [
    ["watch", 2, PLACE, { by: "user" }],
    ["state", 3, PLACE, { mood: "merry" }],
  ]);
  server.link.say(["res", 3]);
  await set;
  await client.close();

  const strict = await connecting({ offline: "fail" });
  const late: Room = presence(strict.client, "room/1");
  assertEquals((await rejection(late.set({ mood: "x" }))).code, "DISCONNECTED");
  strict.client.onOpen(() => strict.client.request("join", "room/1"));
  strict.server.link.welcome(welcome);
  await turn();
  assertEquals(strict.server.link.messages.slice(1), [["req", 1, "join", "room/1"]]);
  strict.client.signal("note", "whoever fails offline does not wait for what greets the server");
  strict.server.link.say(["err", 1, { code: "FULL", message: "Full" }]);
  await turn();
  assertEquals(strict.server.link.messages.slice(2).map(([kind]) => kind), ["sig", "watch"]);
  await strict.client.close();
});

test("a view that is closed while something greets the server ends its watch nevertheless", async () => {
  const { client, server, room } = await watching();
  client.onOpen(() => client.request("join", "room/2"));
  room.close();
  await turn();
  assertEquals(server.link.sent("unwatch"), [["unwatch", PLACE, "user"]]);
  await client.close();
});

test("pages of members come as the hub has them, parsed", async () => {
  const { client, server, room, clock } = await watching();
  const page = room.page({ limit: 2, cursor: "ann" });
  await turn();
  assertEquals(server.link.sent("members"), [["members", 2, PLACE, { by: "user", limit: 2, cursor: "ann" }]]);
  const members = [["bob", 1, 0, { mood: "merry" }], ["c7", 0, 0]] as const;
  server.link.say(["res", 2, { nodes: ["n1"], members, count: 9, cursor: "c7" }]);
  assertEquals(await page, {
    members: [
      { id: "bob", user: "bob", node: "n1", state: { mood: "MERRY" } },
      { id: "c7", user: undefined, node: "n1", state: undefined },
    ],
    count: 9,
    cursor: "c7",
  });
  const last = room.page();
  await turn();
  assertEquals(server.link.sent("members").at(-1), ["members", 3, PLACE, { by: "user", limit: 100 }]);
  server.link.say(["res", 3, { nodes: [], members: [], count: 0 }]);
  assertEquals(await last, { members: [], count: 0 });
  const odd = rejection(room.page());
  await turn();
  server.link.say(["res", 4, { nodes: [], members: [["ann", 1, 3]], count: 1 }]);
  assertEquals((await odd).code, "BAD_REQUEST");
  const late = rejection(room.page({ timeoutMs: 50 }));
  await turn();
  clock.advance(50);
  assertEquals((await late).code, "TIMEOUT");
  const abort = new AbortController();
  const aborted = rejection(room.page({ signal: abort.signal }));
  await turn();
  abort.abort(new Error("enough"));
  assertEquals((await aborted as Error).message, "enough");
  await client.close();
});
