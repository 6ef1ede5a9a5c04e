import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import { type Contract, defineContract, HubError } from "../../contract/mod.ts";
import { Interest } from "../../hub/backplane/interest.ts";
import type { Connection } from "../../hub/connection/connection.ts";
import { Registry } from "../../hub/groups/registry.ts";
import { Attendances, type StateOf } from "../../hub/presence/attendances.ts";
import { Leaving } from "../../hub/presence/leaving.ts";
import { NamedPlaces } from "../../hub/presence/named_places.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { ScriptedAdapter } from "../unit/scripted_adapter.ts";
import { TapeScene } from "../unit/tape_scene.ts";
import { LocalSource } from "./local_source.ts";

const contract = defineContract({
  roles: { member: {} },
  presence: { "room/:id": z.object({ name: z.string().trim() }), "free": z.any() },
}) as unknown as Contract;

const ROOM = "room:room/1";

function scene(stateOf: Record<string, StateOf> = {}) {
  const adapter = new ScriptedAdapter();
  const clock = new FakeClock();
  const source = new LocalSource();
  const errors: unknown[] = [];
  const left: string[] = [];
  const leaving = new Leaving({ source, clock, leaveAfterMs: 100 });
  const places = new NamedPlaces(contract, (name) => `topic:${name}`);
  const attendances = new Attendances({
    places,
    source,
    leaving,
    clock,
    nodeId: "n1",
    stateOf,
    left: ({ name }, { id }) => left.push(`${name} ${id}`),
    onError: (error) => errors.push(error),
  });
  const interest = new Interest({ adapter, clock, timeoutMs: 100, onError() {} });
  const registry = new Registry(interest, { attendanceOf: (group) => attendances.ofGroup(group) });
  const tapes = new TapeScene();
  const connect = (id: string, userId?: string) => {
    const conn = Object.assign(tapes.connect(), { id, userId });
    return Object.assign(conn, { isIn: (group: string) => conn.memberships?.get(group)?.live === true });
  };
  /** Joins, its channel being live. */
  const enter = async (conn: Connection, group = ROOM) => {
    const joined = registry.join(group, conn);
    if (adapter.busy.length > 0) await adapter.succeed(group);
    await joined;
  };
  const entries = (group = ROOM) => [...source.place(group).entries()];
  return { adapter, clock, source, errors, left, attendances, places, registry, connect, enter, entries };
}

test("attendance: a connection is present from the moment it is in, until it leaves", async () => {
  const { adapter, source, left, registry, connect, entries } = scene();
  const conn = connect("c1", "ann");
  const joined = registry.join(ROOM, conn);
  assertEquals(source.told, []);
  await adapter.succeed(ROOM);
  await joined;
  assertEquals(entries(), [{ id: "c1", user: "ann", node: "n1", state: undefined, at: 1 }]);
  registry.leave(ROOM, conn);
  registry.leave(ROOM, conn);
  assertEquals([source.told, left], [["put room:room/1 c1", "drop room:room/1 c1"], ["room/1 c1"]]);
});

test("attendance: a connection that leaves before it is in was never present, and neither was one whose join fails", async () => {
  const { adapter, source, left, registry, connect } = scene();
  const [first, second] = [connect("c1"), connect("c2")];
  const refused = assertRejects(() => registry.join(ROOM, first), HubError, "left");
  registry.leave(ROOM, first);
  await refused;
  const failed = assertRejects(() => registry.join(ROOM, second));
  for (const channel of [...adapter.busy]) await adapter.fail(channel, new Error("No channel"));
  for (const channel of [...adapter.busy]) await adapter.fail(channel, new Error("No channel"));
  await failed;
  assertEquals([source.told, left], [[], []]);
});

test("attendance: only of rooms and topics that fit a pattern", async () => {
  const { source, registry, connect, enter } = scene();
  const conn = connect("c1");
  for (
    const group of [
      "room:other",
      "topic:room/7",
      "topic@member:free",
      "role:free",
      "room:free",
      "room:room/1/2",
    ]
  ) {
    await enter(conn, group);
  }
  assertEquals(source.told, ["put topic:room/7 c1", "put topic@member:free c1", "put room:free c1"]);
  registry.leaveAll(conn);
});

test("attendance: a connection that is lost leaves later, one that leaves or is removed leaves at once", async () => {
  const { clock, registry, connect, enter, entries } = scene();
  const [ann, bob] = [connect("c1", "ann"), connect("c2", "bob")];
  await enter(ann);
  await enter(bob);
  registry.leaveAll(ann);
  registry.leave(ROOM, bob);
  assertEquals(entries().map(({ id }) => id), ["c1"]);
  clock.advance(100);
  assertEquals(entries(), []);
});

test("attendance: states are parsed, and each state of a user has a later time than the one before", async () => {
  const { attendances, places, connect, enter, entries } = scene();
  const [first, second] = [connect("c1", "ann"), connect("c2", "ann")];
  await enter(first);
  await enter(second);
  const room = places.room("room/1");
  attendances.set(room, second, { name: " Ann " });
  attendances.set(room, first, { name: "Anne" });
  assertEquals(entries().map(({ id, state, at }) => [id, state, at]), [
    ["c1", { name: "Anne" }, 4],
    ["c2", { name: "Ann" }, 3],
  ]);
});

test("attendance: a state that does not fit, that cannot travel, or that is too large is refused", async () => {
  const { attendances, places, connect, enter, source } = scene();
  const conn = connect("c1");
  await enter(conn);
  await enter(conn, "room:free");
  const told = source.told.length;
  const set = (name: string, state: unknown) => () => attendances.set(places.room(name), conn, state);
  assertThrows(set("room/1", { name: 1 }), HubError, 'Invalid presence state of "room/1"');
  assertThrows(set("free", { f: 1n }), HubError, "that cannot be sent");
  assertThrows(set("free", "x".repeat(17_000)), HubError, "the limit is 16384");
  assertThrows(set("room/2", { name: "Ann" }), HubError, "is not in");
  assertThrows(
    () => attendances.set(places.room("room/1"), undefined, { name: "Ann" }),
    HubError,
    "is not in",
  );
  assertEquals(source.told.length, told);
});

test("attendance: the first state comes from stateOf; its errors, promises and wrong values are reported", async () => {
  const seen: unknown[] = [];
  const answers: (() => unknown)[] = [
    () => ({ name: "Ann " }),
    () => undefined,
    () => ({ name: 1 }),
    () => ({ then: (_: unknown, reject: (error: Error) => void) => reject(new Error("late")) }),
    () => {
      throw new Error("The state");
    },
  ];
  const { connect, enter, entries, errors } = scene({
    "room/:id": ({ conn, params, name }) => {
      seen.push([conn.id, { ...params }, name]);
      return answers.shift()!();
    },
  });
  for (const id of ["c1", "c2", "c3", "c4", "c5"]) await enter(connect(id));
  assertEquals(seen[0], ["c1", { id: "1" }, "room/1"]);
  assertEquals(entries().map(({ state }) => state), [
    { name: "Ann" },
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(errors.map((error) => (error as Error).message.slice(0, 40)), [
    'Invalid presence state of "room/1" at "n',
    'Cannot use a promise as a state of "room',
    "The state",
  ]);
});

test("attendance: a connection that is removed while its first state is made is not present", async () => {
  const { registry, connect, enter, entries } = scene({
    "room/:id": ({ conn }) => {
      registry.leave(ROOM, conn);
      return { name: "Ann" };
    },
  });
  await enter(connect("c1"));
  assertEquals(entries(), []);
});

test("presence: a room or topic that fits no pattern is not found, and the error lists the patterns", () => {
  const { places } = scene();
  assertThrows(() => places.room("rooms/1"), HubError, 'keeps no presence of room "rooms/1"');
  assertThrows(() => places.topic("fre"), HubError, 'did you mean "free"?');
  assertThrows(() => places.room(undefined), TypeError, "a room by undefined");
  const none = new NamedPlaces(defineContract({ roles: { member: {} } }) as unknown as Contract, String);
  assertThrows(() => none.room("room/1"), HubError, "declare `presence` in the contract");
});

test("attendance: a state has the value that other nodes read, and later changes of the object do not matter", async () => {
  const { attendances, places, connect, enter, source } = scene();
  const conn = connect("c1", "ann");
  await enter(conn, "room:free");
  const place = places.room("free");
  const bytes = new Uint8Array([1, 2]);
  let reads = 0;
  const given = {
    bytes,
    at: new Date(0),
    none: undefined,
    own: { toJSON: () => "own" },
    get read() {
      return ++reads;
    },
    list: [1],
  };
  attendances.set(place, conn, given);
  const state = () => source.place("room:free").get("c1")!.state;
  const kept = { bytes: new Uint8Array([1, 2]), at: "1970-01-01T00:00:00.000Z", own: "own", list: [1] };
  const { read, ...rest } = state() as { read: number };
  assertEquals(rest, kept as unknown);
  given.list.push(2);
  bytes[0] = 7;
  assertEquals(state(), { read, ...kept } as unknown);
});

test("attendance: a state that other nodes would refuse is refused here", async () => {
  const schema = z.object({ name: z.string().transform((name) => name.length) });
  const contract = defineContract({ roles: { member: {} }, presence: { free: schema } });
  const { attendances, connect, enter, source } = scene();
  const conn = connect("c1");
  await enter(conn, "room:free");
  const place = new NamedPlaces(contract as unknown as Contract, String).room("free");
  const error = assertThrows(
    () => attendances.set(place, conn, { name: "Ann" }),
    HubError,
    "its schema refuses its own output",
  );
  assertEquals([error.code, source.place("room:free").get("c1")!.state], ["VALIDATION", undefined]);
});
