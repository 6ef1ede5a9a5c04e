import { assert, assertEquals, assertThrows } from "@std/assert";
import { createEmitter, createMemoryAdapter, createMemoryBus, createMemoryHistory } from "@trunkline/hub";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { laterStore } from "../history/later_store.ts";
import { slowLinks } from "../history/slow_links.ts";
import { codeOf, rawClient, turn } from "../hub/wires.ts";
import { hears, rooms, startNode, startNodes, told } from "./scene.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("rooms: a client that joins for the first time may begin with earlier messages, without a gap", async () => {
  const clock = new FakeClock();
  const history = createMemoryHistory({ clock });
  await using scene = await startNodes(1, () => ({ history }));
  const [{ hub }] = scene.nodes;
  for (let n = 1; n <= 3; n++) await hub.room("chat/1").broadcast("line", { n });
  clock.advance(10_000);
  for (let n = 4; n <= 6; n++) await hub.room("chat/1").broadcast("line", { n });
  const rewinds = [[{ last: 2 }, 5], [{ last: 100 }, 1], [{ sinceMs: 5_000 }, 4]] as const;
  const guests = [];
  for (const [rewind] of rewinds) {
    const guest = await scene.guest("member");
    await hub.room("chat/1").add({ id: guest.client.connectionId! }, { rewind });
    guests.push(guest);
  }
  await hub.room("chat/1").broadcast("line", { n: 7 });
  for (const [i, [, from]] of rewinds.entries()) {
    const guest = guests[i]!;
    await waitFor(() => guest.heard.at(-1) === 7, { what: "what is live" });
    assertEquals([guest.heard, guest.recoveries], [range(from, 7), [{ room: "chat/1", recovered: true }]]);
    assertEquals(guest.metas.map((meta) => meta?.recovered), range(from, 7).map((n) => n < 7));
  }
  const [guest] = guests;
  await guest!.drop();
  await hub.room("chat/1").broadcast("line", { n: 8 });
  await guest!.back();
  await hub.room("chat/1").add({ id: guest!.client.connectionId! }, { rewind: { last: 100 } });
  await told(guest!, 2);
  assertEquals(guest!.heard, range(5, 8));
});

test("rooms: wrong options are errors at the call, and leave nothing half-done", async () => {
  await using scene = await startNodes(1);
  const [{ hub }] = scene.nodes;
  const guest = await scene.guest("member");
  const conn = { id: guest.client.connectionId! };
  const room = hub.room("chat/1");
  const failures = [
    () => room.broadcast("line", { n: "x" } as never),
    () => room.broadcast("nothing" as never, {} as never),
    () => room.broadcast("line", { n: 1 }, { except: { id: undefined } } as never),
    () => room.broadcast("line", { n: 1 }, { id: "" }),
    () => room.broadcast("line", { n: 1 }, { tx: {} }),
    () => room.add(conn, { rewind: {} as never }),
    () => room.add(conn, { rewind: { last: 1, sinceMs: 1 } as never }),
    () => room.add(conn, { rewind: { last: 0 } }),
    () => (hub.room("plain") as unknown as typeof room).add(conn, { rewind: { last: 1 } }),
    () => (hub.room("plain") as unknown as typeof room).history(),
  ];
  const codes = [];
  for (const failure of failures) codes.push((await codeOf(failure)).split(":")[0]);
  const wrong = "not a HubError";
  assertEquals(codes, ["VALIDATION", "NOT_FOUND", ...Array(6).fill(wrong), "NOT_FOUND", "NOT_FOUND"]);
  assertThrows(() => hub.rooms(["plain", "chat/1"]), TypeError, '"chat/1" keeps history');
  assertEquals((await room.position()).offset, 0);
  assertEquals((await room.members()).connections, []);
});

test("rooms: an id is stored once, and the second broadcast returns the same position", async () => {
  await using scene = await startNodes(1, () => ({ history: laterStore(createMemoryHistory()) }));
  const [{ hub }] = scene.nodes;
  const guest = await scene.guest("member");
  await guest.join("chat/1");
  const room = hub.room("chat/1");
  const first = await room.broadcast("line", { n: 1 }, { id: "a" });
  assertEquals(await room.broadcast("line", { n: 1 }, { id: "a" }), first);
  await room.broadcast("line", { n: 2 });
  await hears(guest, 2);
  assertEquals(guest.heard, [1, 2]);
});

test("rooms: a store that is down is an error for the publisher, and clients that reconnect go on later", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(1, () => ({ history }));
  const [{ hub }] = scene.nodes;
  const guest = await scene.guest("member");
  const add = () => hub.room("chat/1").add({ id: guest.client.connectionId! });
  await add();
  await hub.room("chat/1").broadcast("line", { n: 1 });
  await hears(guest, 1);
  await guest.drop();
  await hub.room("chat/1").broadcast("line", { n: 2 });
  await guest.back();
  history.state = "down";
  assertEquals(await codeOf(() => hub.room("chat/1").broadcast("line", { n: 9 })), "UNCERTAIN");
  assert(await codeOf(add) !== "no error");
  assertEquals((await hub.room("chat/1").members()).connections, []);
  history.state = "up";
  await add();
  await told(guest, 1);
  assertEquals([guest.heard, guest.recoveries], [[1, 2], [{ room: "chat/1", recovered: true }]]);
});

test("rooms: lost histories are reported once, for live clients and for those that reconnect", async () => {
  const history = createMemoryHistory({ maxChannels: 1 });
  await using scene = await startNodes(1, () => ({ history: laterStore(history) }));
  const [{ hub }] = scene.nodes;
  const [live, away] = [await scene.guest("member"), await scene.guest("member")];
  for (const guest of [live, away]) await guest.join("chat/1");
  await hub.room("chat/1").broadcast("line", { n: 1 });
  for (const guest of [live, away]) await hears(guest, 1);
  await away.drop();
  for (let i = 0; i < 40; i++) await hub.room(`chat/other${i}`).broadcast("line", { n: 0 }); // it makes room for these
  await hub.room("chat/1").broadcast("line", { n: 2 });
  await told(live, 1);
  await away.back();
  await told(away, 1);
  await hub.room("chat/1").broadcast("line", { n: 3 });
  for (const guest of [live, away]) await waitFor(() => guest.heard.at(-1) === 3, { what: "what is live" });
  for (const guest of [live, away]) assertEquals(guest.recoveries, [{ room: "chat/1", recovered: false }]);
});

test("rooms: a hello may name anything; only rooms with history count, and invented positions recover nothing", async () => {
  await using node = await startNode(undefined);
  const { hub, loopback } = node;
  for (let n = 1; n <= 3; n++) await hub.room("chat/1").broadcast("line", { n });
  const { epoch } = await hub.room("chat/1").position();
  const many = Array.from({ length: 1_000 }, (_, i) => [`chat/${i}`, "e", i]);
  const wrongs = [{ rooms: 1 }, { rooms: [["a", "b"]] }, { rooms: [["a", "b", -1]] }, {
    rooms: [],
    earlier: [1],
  }];
  for (const wrong of wrongs) {
    const raw = await rawClient(loopback.client(), { role: "member", ...wrong });
    assertEquals(raw.closed?.code, 4500);
  }
  const cases: readonly (readonly [unknown[], unknown[]])[] = [
    [[["chat/1", "made up", 1]], []],
    [[["chat/1", epoch, 99]], []],
    [[["plain", epoch, 1], ["chat/1", epoch, 2]], [3]],
    [[...many, ["chat/1", epoch, 2]], []], // beyond the bound
  ];
  for (const [list, missed] of cases) {
    const raw = await rawClient(loopback.client(), { role: "member", rooms: list });
    const [[, { connection }]] = raw.heard as [[string, { connection: string }]];
    await hub.room("chat/1").add({ id: connection });
    await turn();
    const revs = raw.heard.filter(([kind]) => kind === "rev").map(([, , offset]) => offset);
    const states = raw.heard.filter(([kind]) => kind === "room").map(([, , state]) => state);
    assertEquals(revs, missed);
    assertEquals(states.length, 1);
    raw.leave();
  }
});

test("rooms: a client without support for histories gets live messages, as plain events", async () => {
  await using node = await startNode(undefined);
  const { hub, loopback } = node;
  const old = await rawClient(loopback.client());
  const now = await rawClient(loopback.client(), { role: "member", rooms: [] });
  for (const raw of [old, now]) {
    const [[, { connection }]] = raw.heard as [[string, { connection: string }]];
    await hub.room("chat/1").add({ id: connection });
  }
  await hub.room("chat/1").broadcast("line", { n: 1 });
  await hub.room("chat/1").broadcast("nudge", undefined);
  await turn();
  const { epoch } = await hub.room("chat/1").position();
  assertEquals(old.heard.slice(1), [["ev", "line", { n: 1 }], ["ev", "nudge"]]);
  assertEquals(now.heard.slice(1), [
    ["room", "chat/1", { position: [epoch, 0] }],
    ["rev", "chat/1", 1, "line", { n: 1 }],
    ["rev", "chat/1", 2, "nudge"],
  ]);
});

test("rooms: a slow client gets its missed messages as it reads, and does not delay others", async () => {
  const links = slowLinks();
  await using node = await startNode(undefined, { transports: [links], history: createMemoryHistory() });
  const { hub } = node;
  for (let n = 1; n <= 3_000; n++) await hub.room("long/1").broadcast("line", { n });
  const { epoch } = await hub.room("long/1").position();
  const slow = links.connect({ rooms: [["long/1", epoch, 0]] });
  await waitFor(() => slow.heard.length === 1, { what: "the welcome" });
  slow.read(Infinity);
  slow.say(["req", 1, "join", { room: "long/1" }]);
  await waitFor(() => {
    slow.read(32 * 1024);
    return slow.heard.some(([kind]) => kind === "room");
  }, { what: "the end of it" });
  const revs = slow.heard.filter(([kind]) => kind === "rev").map(([, , offset]) => offset);
  assertEquals(revs, range(1, 3_000));
  assert(slow.mostUnread < 1024 * 1024, `${slow.mostUnread}`);
  assertEquals(slow.closed, undefined);
  slow.leave();
});

test("rooms: an emitter's broadcast is kept where the hubs share a store, and refused where they do not", async () => {
  const bus = createMemoryBus();
  const history = createMemoryHistory();
  await using node = await startNode(createMemoryAdapter({ bus }), { history });
  await using emitter = createEmitter(rooms, { adapter: createMemoryAdapter({ bus }), history });
  await using alone = createEmitter(rooms, { adapter: createMemoryAdapter({ bus }) });
  const raw = await rawClient(node.loopback.client(), { role: "member", rooms: [] });
  const [[, { connection }]] = raw.heard as [[string, { connection: string }]];
  await node.hub.room("chat/1").add({ id: connection });
  const { offset } = await emitter.room("chat/1").broadcast("line", { n: 1 });
  assertEquals(offset, 1);
  await waitFor(() => raw.heard.some(([kind]) => kind === "rev"), { what: "the line" });
  assertEquals(await codeOf(() => alone.room("chat/1").broadcast("line", { n: 1 })), "UNAVAILABLE");
  assertThrows(() => emitter.rooms(["chat/1"]), TypeError, "keeps history");
  await emitter.close();
  assertEquals(await codeOf(() => emitter.room("chat/1").broadcast("line", { n: 1 })), "UNAVAILABLE");
});

test("rooms: a client that is removed while it catches up is out, and stays out", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(2, () => ({ history }));
  const [a, b] = scene.nodes;
  const guest = await scene.guest("member", { token: "ann" });
  const add = () => a.hub.room("chat/1").add({ id: guest.client.connectionId! });
  await add();
  await a.hub.room("chat/1").broadcast("line", { n: 1 });
  await hears(guest, 1);
  await guest.drop();
  await b.hub.room("chat/1").broadcast("line", { n: 2 });
  await guest.back(a);
  history.state = "hangs";
  const adding = codeOf(add);
  await waitFor(() => history.waiting > 0, { what: "the catching up" });
  assertEquals(await b.hub.cluster.leave({ user: "ann" }, "chat/1"), { count: 0, missing: [] });
  history.release();
  assertEquals(await adding, "DISCONNECTED");
  await a.hub.room("chat/1").broadcast("line", { n: 3 });
  assertEquals((await a.hub.room("chat/1").members()).connections, []);
  await add();
  await a.hub.room("chat/1").broadcast("line", { n: 4 });
  await hears(guest, 2);
  assertEquals([guest.heard, guest.recoveries], [[1, 4], []]);
});
