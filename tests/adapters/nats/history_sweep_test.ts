import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { systemClock } from "../../../contract/clock.ts";
import type { Broker } from "../../../tools/brokers/program.ts";
import { test, waitFor } from "../../harness.ts";
import { call, openHistory, PLENTY, startJetStream } from "./history_scene.ts";

const DAY_MS = 24 * 3_600_000;

/** A clock whose time on the wall is another one. */
function shifted(ms = 0) {
  const clock = { ...systemClock, shiftMs: ms, wall: () => Date.now() + clock.shiftMs };
  return clock;
}

/** How many messages the stream has on each subject, by its last token. */
async function counts(server: Broker): Promise<Record<string, number>> {
  const { state: { subjects } } = await call(server, "STREAM.INFO.trunkline-history", {
    subjects_filter: ">",
  }) as {
    state: { subjects?: Record<string, number> };
  };
  return Object.fromEntries(
    Object.entries(subjects ?? {}).map(([subject, count]) => [subject.split(".").at(-1)!, count]),
  );
}

test("history in NATS JetStream: an unused topic is forgotten, and begins another epoch", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url });
  const [epoch] = await a.fill("old", 1, 5);
  const [lasting] = await a.store.append("lasting", "1", { size: 10, ttlMs: 30 * DAY_MS });
  await using later = await openHistory({ servers: server.url, clock: shifted(8 * DAY_MS) });
  await waitFor(async () => {
    later.store.sweep!();
    return (await counts(server)).old === undefined;
  }, { what: "the topic to be forgotten" });
  // First the one that has never known what was there.
  for (const { store } of [later, a]) {
    const { position, complete } = await store.read("old", { since: [epoch, 5] });
    assertEquals([position[1], complete], [0, false]);
    assertNotEquals(position[0], epoch);
    assertEquals((await store.read("lasting")).position, [lasting, 1]);
  }
  // It knows the number of a message that is gone.
  const [next, first] = await a.store.append("old", "6", PLENTY);
  assertEquals([next === epoch, first], [false, 1]);
  assertEquals((await later.store.read("old")).position, [next, 1]);
  assertEquals([a.errors, later.errors], [[], []]);
});

test("history in NATS JetStream: expired messages are removed without any append, and the count stays", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url });
  let epoch = "";
  for (let i = 1; i <= 20; i++) [epoch] = await a.store.append("news", `${i}`, { size: 100, ttlMs: 60_000 });
  await a.fill("lasting", 1, 20);
  await using later = await openHistory({ servers: server.url, clock: shifted(120_000) });
  await using also = await openHistory({ servers: server.url, clock: shifted(120_000) });
  await waitFor(async () => {
    for (const { store } of [later, also]) store.sweep!();
    const { news, "%sweep": sweeps } = await counts(server);
    return news === 1 && sweeps === 1;
  }, { what: "the expired to be removed" });
  assertEquals((await counts(server)).lasting, 20);
  assertEquals(await a.store.append("news", "21", { size: 100, ttlMs: 60_000 }), [epoch, 21]);
  assertEquals([a.errors, later.errors, also.errors], [[], [], []]);
});

test("history in NATS JetStream: brief topics are removed whole when they have expired, many at once, and others stay in their epoch", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url });
  const untouched = (await a.store.read("untouched")).position;
  const brief = { size: 3, ttlMs: 60_000, brief: true };
  const names = Array.from({ length: 300 }, (_, i) => `once${i}`);
  for (let i = 1; i <= 2; i++) await Promise.all(names.map((name) => a.store.append(name, `${i}`, brief)));
  await using later = await openHistory({ servers: server.url, clock: shifted(120_000) });
  later.store.sweep!(); // one is enough
  await waitFor(async () => Object.keys(await counts(server)).every((name) => name.startsWith("%")), {
    what: "all of them to go",
  });
  assertEquals((await later.store.read("untouched")).position, untouched);
  for (const { store } of [a, later]) {
    await store.append("once7", "3", brief);
    assertEquals((await a.store.read("once7")).records.at(-1)!.data, "3");
  }
  assertEquals((await a.store.read("untouched")).position, untouched);
  assertEquals([a.errors, later.errors], [[], []]);
});

test("history in NATS JetStream: a node that appends removes expired messages", async () => {
  await using server = await startJetStream();
  const clock = shifted();
  await using a = await openHistory({ servers: server.url, clock });
  const append = (i: number) => a.store.append("news", `${i}`, { size: 1_000, ttlMs: 10_000 });
  for (let i = 1; i <= 30; i++) await append(i);
  clock.shiftMs = 20_000;
  const [epoch, last] = await append(31);
  await waitFor(async () => (await counts(server)).news === 1, { what: "the expired to be removed" });
  assertEquals(await append(32), [epoch, last + 1]);
  assertEquals(a.errors, []);
});

test("history in NATS JetStream: large histories are trimmed by messages and not by batches", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url });
  const options = { size: 100, ttlMs: Infinity };
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 60 }, () => a.store.append("news", "x", options)));
  }
  const { records, position: [, last] } = await waitFor(async () => {
    const page = await a.store.read("news");
    return page.records.length < 300 && page;
  }, { what: "the oldest to be removed" });
  assert(records.length >= 100, `${records.length} are kept`);
  assertEquals([last, records.at(-1)!.offset], [600, 600]);
});

test("history in NATS JetStream: a record has its age, which is never less than that of a later one", async () => {
  await using server = await startJetStream();
  const clock = shifted();
  await using a = await openHistory({ servers: server.url, clock });
  await a.fill("news", 1, 3);
  clock.shiftMs = 60_000;
  for (const reverse of [false, true]) {
    const { records } = await a.store.read("news", { reverse });
    const ages = records.map(({ ageMs }) => ageMs!);
    assertEquals(ages, ages.toSorted((x, y) => reverse ? x - y : y - x));
    for (const age of ages) assert(age >= 60_000 && age < 90_000, `${age}`);
  }
  clock.shiftMs = -60_000; // a clock that is behind
  assertEquals((await a.store.read("news")).records.map(({ ageMs }) => ageMs), [0, 0, 0]);
});
