import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import { type Contract, defineContract, HubError, type PresenceMember } from "../../contract/mod.ts";
import { Presences } from "../../hub/presence/presences.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { entry } from "./followed.ts";
import { LocalSource } from "./local_source.ts";

const contract = defineContract({
  roles: { member: {} },
  presence: { "room/:id": z.object({ name: z.string() }) },
}) as unknown as Contract;

const ROOM = "room:room/1";

function scene({ known }: { readonly known?: Promise<void> } = {}) {
  const clock = new FakeClock();
  const source = new LocalSource();
  if (known) source.known = known;
  const errors: unknown[] = [];
  const presences = new Presences({
    contract,
    source,
    clock,
    nodeId: "n1",
    leaveAfterMs: 0,
    patienceMs: 5_000,
    intervalMs: 100,
    maxListed: 1_000,
    maxListedBytes: Infinity,
    topicChannel: (name, role) => role ? `topic@${role}:${name}` : `topic:${name}`,
    find: () => undefined,
    onError: (error, { stage, channel }) => errors.push([(error as Error).message, stage, channel]),
  });
  const put = (id: string, user?: string, state?: unknown) => source.put(ROOM, entry(id, user, state));
  const drop = (id: string) => source.drop(ROOM, id);
  const turn = () => new Promise<void>((resolve) => clock.endOfTurn(resolve));
  return { clock, source, presences, room: presences.of("room/1"), errors, put, drop, turn };
}

const ids = (members: readonly PresenceMember[]) => members.map(({ id }) => id);

test("hub.presence: list, page and count by user and by connection", async () => {
  const { room, put } = scene();
  put("c3", "bob");
  put("c1", "bob", { name: "Bob" });
  put("c2");
  assertEquals(await room.list(), [
    { id: "bob", user: "bob", node: "n1", state: { name: "Bob" } },
    { id: "c2", user: undefined, node: "n1", state: undefined },
  ]);
  assertEquals(ids(await room.list({ by: "connection" })), ["c1", "c2", "c3"]);
  assertEquals([await room.count(), await room.count({ by: "connection" })], [2, 3]);
  const first = await room.page({ by: "connection", limit: 2 });
  assertEquals([ids(first.members), first.count], [["c1", "c2"], 3]);
  const second = await room.page({ by: "connection", limit: 2, cursor: first.cursor });
  assertEquals([ids(second.members), second.cursor], [["c3"], undefined]);
});

test("hub.presence: a list is read in pages until its end", async () => {
  const { room, put } = scene();
  for (let i = 0; i < 2_500; i++) put(`c${10_000 + i}`);
  const list = await room.list();
  assertEquals([list.length, list[0]!.id, list.at(-1)!.id], [2_500, "c10000", "c12499"]);
});

test("hub.presence: names like those of a prototype's properties are just names", async () => {
  const { presences, source, put } = scene();
  const room = presences.of("room/__proto__");
  source.put("room:room/__proto__", entry("c1", "__proto__", { name: "x" }));
  source.put("room:room/__proto__", entry("c2", "constructor"));
  put("c3", "ann");
  assertEquals(ids(await room.list()), ["__proto__", "constructor"]);
});

test("hub.presence: topics are places of their own, those of a role too", async () => {
  const { presences, source } = scene();
  source.put("topic:room/1", entry("c1", "ann"));
  source.put("topic@admin:room/1", entry("c2", "bob"));
  assertEquals(await presences.of("room/1").count(), 0);
  assertEquals(ids(await presences.of({ topic: "room/1" }).list()), ["ann"]);
  assertEquals(ids(await presences.of({ topic: "room/1", role: "admin" }).list()), ["bob"]);
});

test("hub.presence: each listener gets each change once, from the moment when it is added", async () => {
  const { room, source, put, drop, turn } = scene();
  const heard: string[] = [];
  put("c0", "zed");
  put("c1", "ann");
  const offs = (["join", "leave", "update"] as const).map((event) =>
    room.on(event, ({ id, state }) => heard.push(`${event} ${id} ${JSON.stringify(state)}`))
  );
  put("c2", "ann", { name: "Ann" });
  put("c3", "bob");
  await turn();
  drop("c1");
  drop("c3");
  await turn();
  assertEquals(heard.splice(0), ['update ann {"name":"Ann"}', "join bob undefined", "leave bob undefined"]);
  put("c4", "cat");
  room.on("join", ({ id }) => heard.push(`later ${id}`))();
  assertEquals(heard.splice(0), ["join cat undefined"]); // reported before another listener is added
  for (const off of offs) off();
  put("c5", "dan");
  await turn();
  assertEquals([heard, source.following], [[], 0]);
});

test("hub.presence: a listener that throws hurts no other, and is reported", async () => {
  const { room, errors, put, turn } = scene();
  const heard: string[] = [];
  const offs = [
    room.on("join", () => {
      throw new Error("The listener");
    }),
    room.on("join", () => Promise.reject(new Error("Later"))),
    room.on("join", ({ id }) => heard.push(id)),
  ];
  put("c1", "ann");
  put("c2", "bob");
  await turn();
  assertEquals(heard, ["ann", "bob"]);
  assertEquals(errors, [
    ["The listener", "listener", ROOM],
    ["The listener", "listener", ROOM],
    ["Later", "listener", ROOM],
    ["Later", "listener", ROOM],
  ]);
  for (const off of offs) off();
});

test("hub.presence: a listener that is added during an event gets only later events", async () => {
  const { room, put, turn } = scene();
  const heard: string[] = [];
  const off = room.on("join", ({ id }) => {
    heard.push(id);
    if (id === "ann") room.on("join", ({ id }) => heard.push(`new ${id}`));
  });
  put("c1", "ann");
  put("c2", "bob");
  await turn();
  off();
  put("c3", "cat");
  await turn();
  assertEquals(heard, ["ann", "bob", "new cat"]);
});

test("hub.presence: an iterator gives every change from then on, and ends with the loop and with the hub", async () => {
  const { presences, room, source, put, drop, turn } = scene();
  put("c1", "ann");
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { type, member } of room) {
      seen.push(`${type} ${member.id}`);
      if (type === "leave") break;
    }
  })();
  put("c2", "bob");
  await turn();
  drop("c1");
  await turn();
  await reading;
  assertEquals([seen, source.following], [["join bob", "leave ann"], 0]);
  const iterator = room[Symbol.asyncIterator]();
  const [first, second] = [iterator.next(), iterator.next()];
  put("c3", "cat");
  await turn();
  put("c4", "dan");
  await presences.close();
  assertEquals((await first).value?.member.id, "cat");
  assertEquals([await second, await iterator.next()], [
    { done: true, value: undefined },
    { done: true, value: undefined },
  ]);
  assertEquals(source.following, 0);
});

test("hub.presence: a reader that is too far behind is ended by an error, once", async () => {
  const { room, source, put, turn } = scene();
  const iterator = room[Symbol.asyncIterator]();
  for (let i = 0; i <= 10_000; i++) put(`c${i}`);
  await turn();
  assertEquals(source.following, 0);
  await assertRejects(() => iterator.next(), HubError, "more than 10000 changes waited");
  assertEquals(await iterator.next(), { done: true, value: undefined });
});

test("hub.presence: wrong calls are refused, with what to give", async () => {
  const { room } = scene();
  await assertRejects(() => room.list({ by: "tab" as "user" }), TypeError, '"user" or "connection"');
  await assertRejects(() => room.page({ limit: 0 }), RangeError, "from 1 to 10000");
  await assertRejects(() => room.count({ bye: 1 } as object), TypeError, 'did you mean "by"?');
  await assertRejects(
    () => room.list({ signal: AbortSignal.abort(new Error("Given up")) }),
    Error,
    "Given up",
  );
  assertThrows(() => room.on("joined" as "join", () => {}), TypeError, 'did you mean "join"?');
  assertThrows(() => room.on("join", undefined as unknown as () => void), TypeError, "a function");
  assertThrows(
    () => room.set(undefined as unknown as { id: string }, { name: "x" }),
    TypeError,
    "a connection",
  );
  assertThrows(() => room.set({ id: "c1" }, { name: "x" }), HubError, "is not in it, or not on this node");
});

test("hub.presence: a question before all members are known waits, but not for ever, and not after it was given up", async () => {
  const { clock, source, presences } = scene({ known: new Promise(() => {}) });
  source.put(ROOM, entry("c1", "ann"));
  const room = presences.of("room/1");
  const given = new AbortController();
  const refused = assertRejects(() => room.list({ signal: given.signal }), Error, "Given up");
  given.abort(new Error("Given up"));
  await refused;
  let count = -1;
  const counting = room.count().then((n) => count = n);
  clock.advance(4_999);
  await new Promise<void>((resolve) => clock.endOfTurn(resolve));
  assertEquals(count, -1);
  clock.advance(1);
  await counting;
  assertEquals([count, (await room.list()).length, clock.pending], [1, 1, 0]);
});

test("hub.presence: a closed hub reports nothing, and nothing waits", async () => {
  const { presences, room, clock, source, put, turn } = scene({ known: new Promise(() => {}) });
  put("c1", "ann");
  const early = [room.list(), room.page(), room.count()];
  clock.advance(1);
  await presences.close();
  clock.advance(5_000);
  for (const asked of [...early, room.list(), room.page(), room.count()]) {
    const error = await assertRejects(() => asked, HubError, "the hub is closed");
    assertEquals(error.code, "UNAVAILABLE");
  }
  const heard: string[] = [];
  const stop = room.on("join", ({ id }) => heard.push(id));
  put("c2", "bob");
  await turn();
  stop();
  assertEquals(await room[Symbol.asyncIterator]().next(), { done: true, value: undefined });
  for await (const change of room) heard.push(change.type);
  assertEquals([heard, source.following, clock.pending], [[], 0, 0]);
});
