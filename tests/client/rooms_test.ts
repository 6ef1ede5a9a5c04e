import { assertEquals } from "@std/assert";
import { z } from "zod";
import { type Client, createClient, type RoomRecovery } from "../../client/mod.ts";
import { defineContract } from "../../contract/mod.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { FakeServer, type WELCOME } from "./fake_server.ts";
import { type Rig, turn } from "./setup.ts";

const contract = defineContract({
  rooms: { "chat/:id": { history: { size: 10 } } },
  roles: { member: { serverToClient: { line: { payload: z.object({ n: z.number() }) } } } },
});
const ROOM = "chat/1";
const ROOMS: Partial<typeof WELCOME> & { readonly rooms: boolean } = { rooms: true };

/** A client that is in a room with history, which stands at offset 5. */
async function live() {
  const server = new FakeServer();
  const clock = new FakeClock();
  const errors: Rig["errors"] = [];
  const client = createClient(contract, {
    url: "ws://hub.test",
    role: "member",
    transport: server,
    clock,
    random: () => 0,
    onError: (error, info) => errors.push({ error, info }),
  });
  const heard: [n: number, offset?: number, epoch?: string, recovered?: boolean][] = [];
  const told: RoomRecovery[] = [];
  client.on("line", ({ n }, meta) => void heard.push([n, meta?.offset, meta?.epoch, meta?.recovered]));
  client.onRecovery((recovery) => told.push(recovery));
  await turn();
  server.link.welcome(ROOMS);
  server.link.say(["room", ROOM, { position: ["e1", 5] }]);
  /** Breaks the link, and opens the next. */
  const reopen = async (welcome = ROOMS) => {
    server.link.close();
    clock.advance(60_000);
    await turn();
    server.link.welcome({ connection: `c${server.links.length}`, ...welcome });
  };
  return {
    server,
    client: client as Client<typeof contract.definition, "member">,
    heard,
    told,
    errors,
    reopen,
  };
}

const said = (...offsets: number[]) =>
  offsets.map((offset) => ["rev", ROOM, offset, "line", { n: offset * 10 }] as const);
const recovered = (recovered: boolean) => ({ room: ROOM, recovered });

test("rooms: a gap of a node that is behind the client is ignored: the client has these messages (promise 4)", async () => {
  const { server, client, heard, told } = await live();
  const gap = (offset: number) => ["room", ROOM, { position: ["e1", offset], recovered: false }] as const;
  server.link.say(...said(6, 7), gap(4), ...said(5, 6, 7, 8));
  assertEquals(heard.map(([, offset]) => offset), [6, 7, 8]);
  assertEquals(told, []);
  server.link.say(gap(8), ...said(9));
  assertEquals([heard.at(-1)![1], told], [9, [recovered(false)]]);
  await client.close();
});

test("rooms: the client names where it stands, and takes each message once", async () => {
  const { server, client, heard, told, reopen } = await live();
  assertEquals(server.link.sent("hello")[0]![1], { role: "member", joined: [], rooms: [], earlier: [] });
  server.link.say(...said(6, 6, 5), ["rev", ROOM, 7], ...said(8));
  assertEquals(heard, [[60, 6, "e1", false], [80, 8, "e1", false]]);
  await reopen();
  assertEquals(server.link.sent("hello")[0]![1], {
    role: "member",
    joined: [],
    rooms: [[ROOM, "e1", 8]],
    earlier: ["c1"],
  });
  server.link.say(...said(9), ["room", ROOM, { position: ["e1", 9], recovered: true }], ...said(9, 10));
  assertEquals(heard.slice(2), [[90, 9, "e1", true], [100, 10, "e1", false]]);
  assertEquals(told, [recovered(true)]);
  await client.close();
});

test("rooms: a room counts as recovered only if all its messages have arrived, whatever the server says", async () => {
  const { server, client, told, reopen } = await live();
  const states = [
    [["room", ROOM, { position: ["e1", 5], recovered: false }]],
    [["room", ROOM, { position: ["e1", 5] }]],
    [["room", ROOM, { position: ["e1", 6], recovered: true }]],
    [["room", ROOM, { position: ["e2", 6], recovered: true }]],
    [...said(8), ["room", ROOM, { position: ["e2", 8], recovered: true }]],
    [["rev", ROOM, 9, "line", { n: "bad" }], ["room", ROOM, { position: ["e2", 9], recovered: true }]],
  ] as const;
  for (const messages of states) {
    await reopen();
    server.link.say(...messages);
    assertEquals(told.splice(0), [recovered(false)], JSON.stringify(messages));
  }
  server.link.say(["room", ROOM, { position: ["e3", 1], recovered: false }]);
  assertEquals(told.splice(0), [recovered(false)]);
  server.link.say(...said(3), ["rev", ROOM, 4, "line", {}]);
  assertEquals(told, [recovered(false), recovered(false)]);
  await client.close();
});

test("rooms: messages from before the client was in count as recovered", async () => {
  const { server, client, heard, told } = await live();
  server.link.say(["room", "chat/2", { position: ["e9", 3], past: true }]);
  server.link.say(["rev", "chat/2", 4, "line", { n: 4 }]);
  server.link.say(["room", "chat/2", { position: ["e9", 4], recovered: true }]);
  server.link.say(["rev", "chat/2", 5, "line", { n: 5 }]);
  assertEquals(heard, [[4, 4, "e9", true], [5, 5, "e9", false]]);
  assertEquals(told, [{ room: "chat/2", recovered: true }]);
  await client.close();
});

test("rooms: a client that was taken out forgets where it stood", async () => {
  const { server, client, heard, told, reopen } = await live();
  server.link.say(["room", ROOM], ...said(6));
  await reopen();
  assertEquals(server.link.sent("hello")[0]![1].rooms, []);
  assertEquals([heard, told], [[], []]);
  await client.close();
});

test("rooms: a server without histories, and a hello without room, are reported as not recovered, once", async () => {
  const { server, client, told, reopen } = await live();
  await reopen({ rooms: false });
  server.link.say(["ev", "line", { n: 1 }]);
  assertEquals(told.splice(0), [recovered(false)]);
  await reopen();
  assertEquals(server.link.sent("hello")[0]![1].rooms, []);
  for (let i = 0; i < 1_000; i++) server.link.say(["room", `chat/${i}`, { position: ["epoch", i] }]);
  await reopen();
  const { rooms = [] } = server.link.sent("hello")[0]![1];
  const size = JSON.stringify(rooms).length;
  assertEquals([size < 16_384, size > 14_000, rooms[0]], [true, true, ["chat/999", "epoch", 999]]);
  assertEquals(told.length, 1_000 - rooms.length);
  await client.close();
});

test("rooms: an unreadable message is skipped, and reported", async () => {
  const { server, client, heard, told, errors } = await live();
  server.link.sayRaw(`[["rev","${ROOM}",6,"line",{"__proto__":1}]]`);
  server.link.say(...said(7));
  assertEquals([heard, told], [[[70, 7, "e1", false]], [recovered(false)]]);
  assertEquals(errors.map(({ info }) => info), [{ stage: "event", name: "line" }]);
  await client.close();
});
