import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub/adapters/memory-history";
import type { Position } from "../../contract/mod.ts";
import type { HistoryTopic } from "../../hub/topics/histories.ts";
import { RecentRecords } from "../../hub/topics/recent_records.ts";
import { RecordMessage } from "../../hub/topics/record.ts";
import { SharedReads } from "../../hub/topics/shared_reads.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { microtasks } from "../hub/wires.ts";
import { Random } from "../load/random.ts";

const topicOf = (channel: string, history: { size: number; ttlMs?: number }) =>
  ({ channel, name: channel, params: {}, history }) as unknown as HistoryTopic;

/** One run: a store, and beside it what a node keeps of it. Tells how often the node could answer. */
function run(seed: number): number {
  const random = new Random(seed);
  const clock = new FakeClock();
  const size = 1 + random.below(12);
  const ttlMs = random.oneIn(2) ? Infinity : 1 + random.below(50);
  const topic = topicOf("c", { size, ttlMs });
  const others = Array.from({ length: 3 }, (_, i) => topicOf(`other ${i}`, { size: 5 }));
  const recent = new RecentRecords(clock, 300 * (1 + random.below(20)));
  let store = createMemoryHistory({ clock });
  const epochs: string[] = [];
  let [position, hits] = [store.read("c").position, 0];
  const check = (since: Position, limit: number) => {
    const page = recent.page(topic, since, limit, position);
    if (!page) return;
    hits++;
    const truth = store.read("c", { since, limit });
    const what = `seed ${seed}, since ${since}`;
    assert(truth.complete, `${what}: called complete what is not`);
    assertEquals(page.position, truth.position, what);
    assert(page.records.length > 0 && page.records.length <= limit, what);
    const plain = (records: typeof page.records) => records.map(({ offset, data }) => `${offset}:${data}`);
    assertEquals(plain(page.records), plain(truth.records).slice(0, page.records.length), what);
  };
  for (let step = 0; step < 60; step++) {
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2: {
        position = store.append("c", `"${step}"`, { size, ttlMs });
        // Some messages never come here: what is between is a hole.
        if (!random.oneIn(8)) {
          recent.add(topic, position, new RecordMessage("c", position[1], `"${step}"`, 0));
        }
        break;
      }
      case 3:
        clock.advance(random.below(20));
        break;
      case 4: { // a page is read, as for a client that reconnects
        const since: Position = [position[0], random.below(position[1] + 1)];
        const page = store.read("c", { since, limit: 1 + random.below(5) });
        for (const { offset, data, ageMs } of page.records) {
          recent.add(topic, [page.position[0], offset], new RecordMessage("c", offset, data, ageMs));
        }
        break;
      }
      case 5: // room is needed for others
        recent.add(random.pick(others), ["e", step], new RecordMessage("o", step, '"o"', 0));
        break;
      case 6:
        if (!random.oneIn(6)) break;
        epochs.push(position[0]);
        store = createMemoryHistory({ clock }); // it has lost everything
        position = store.read("c").position;
        break;
      case 7:
        if (random.oneIn(10)) recent.drop("c");
    }
    const epoch = random.oneIn(5) && epochs.length > 0 ? random.pick(epochs) : position[0];
    check([epoch, random.below(position[1] + 3)], 1 + random.below(8));
  }
  return hits;
}

test("recent records: 3,000 seeds: they never give messages that the store would not give", () => {
  let hits = 0;
  for (let seed = 1; seed <= 3_000; seed++) hits += run(seed);
  assert(hits > 10_000, `only ${hits} answers were looked at`);
});

test("recent records: they are bounded in bytes; the topic unused longest goes first, of the last one the oldest", () => {
  const recent = new RecentRecords(new FakeClock(), 10_000);
  const topics = Array.from({ length: 20 }, (_, i) => topicOf(`t${i}`, { size: 1_000 }));
  for (const topic of topics) {
    for (let offset = 1; offset <= 5; offset++) {
      recent.add(topic, ["e", offset], new RecordMessage("t", offset, '"x"', 0));
      assert(recent.bytes <= 10_000, `${recent.bytes} bytes`);
    }
  }
  assertEquals(recent.page(topics[0]!, ["e", 0], 10, ["e", 5]), undefined);
  assertEquals(recent.page(topics[19]!, ["e", 0], 10, ["e", 5])?.records.length, 5);
  for (let offset = 6; offset <= 200; offset++) {
    recent.add(topics[19]!, ["e", offset], new RecordMessage("t", offset, '"x"', 0));
    assert(recent.bytes <= 10_000, `${recent.bytes} bytes`);
  }
  assertEquals(recent.page(topics[19]!, ["e", 0], 10, ["e", 200]), undefined);
  assertEquals(recent.page(topics[19]!, ["e", 195], 10, ["e", 200])?.records.length, 5);
  for (const topic of topics) recent.drop(topic.channel);
  assertEquals(recent.bytes, 0);
});

test("recent records: of unknown age they are not kept where there is a time to live", () => {
  const recent = new RecentRecords(new FakeClock(), 10_000);
  recent.add(topicOf("c", { size: 5, ttlMs: 10 }), ["e", 1], new RecordMessage("c", 1, '"x"'));
  assertEquals(recent.bytes, 0);
});

/** Reads that are answered by hand, of a history of 1,000 messages from 101 on. */
function reads() {
  const asked: { since: Position; limit: number; answer(): void; fail(): void }[] = [];
  const shared = new SharedReads({
    known: () => undefined,
    pageSize: (limit) => limit,
    read: (since, limit) =>
      new Promise((resolve, reject) => {
        const answer = () => {
          const complete = since[0] === "e" && since[1] >= 100;
          const first = complete ? since[1] + 1 : 101;
          const count = Math.max(0, Math.min(limit, 1_000 - first + 1));
          const records = Array.from({ length: count }, (_, i) => ({ offset: first + i, data: "0" }));
          resolve({ position: ["e", 1_000], complete, records });
        };
        asked.push({ since, limit, answer, fail: () => reject(new Error("The store is down")) });
      }),
  });
  return { asked, shared };
}

test("shared reads: a caller waits for a running read of the same messages, also without a cache", async () => {
  const { asked, shared } = reads();
  const answers = [200, 200, 205, 209].map((offset) => Promise.resolve(shared.read(["e", offset], 10)));
  assertEquals(asked.length, 1);
  asked[0]!.answer();
  const pages = await Promise.all(answers);
  assertEquals(pages.map(({ records }) => [records[0]!.offset, records.length]), [[201, 10], [201, 10], [
    206,
    5,
  ], [
    210,
    1,
  ]]);
});

test("shared reads: two are under way; the others wait, from the oldest position on", async () => {
  const { asked, shared } = reads();
  const offsets = [900, 500, 300, 700, 302];
  const answers = offsets.map((offset) => Promise.resolve(shared.read(["e", offset], 5)));
  assertEquals(asked.map(({ since }) => since[1]), [900, 500]);
  for (let i = 0; i < asked.length; i++) {
    asked[i]!.answer();
    await microtasks();
  }
  const pages = await Promise.all(answers);
  assertEquals(pages.map(({ records }) => records[0]!.offset), offsets.map((offset) => offset + 1));
  assertEquals(asked.map(({ since }) => since[1]), [900, 500, 300, 700]);
});

test("shared reads: a message that is lost for one reader is lost for those before it, and another epoch is read later", async () => {
  const { asked, shared } = reads();
  const sinces: Position[] = [["e", 50], ["x", 3], ["e", 40], ["x", 500], ["y", 1], ["e", 60]];
  const answers = sinces.map((since) => Promise.resolve(shared.read(since, 5)));
  for (let i = 0; i < asked.length; i++) {
    asked[i]!.answer();
    await microtasks();
  }
  for (const { complete, records } of await Promise.all(answers)) {
    assertEquals([complete, records[0]!.offset], [false, 101]);
  }
  // "y" may be newer than what was read before it asked. "x" with 500 is as old as "x" with 3.
  assertEquals(asked.map(({ since }) => since), [["e", 50], ["x", 3], ["y", 1], ["e", 60]]);
});

test("shared reads: a failing store is an error for all waiting callers, and later callers ask it again", async () => {
  const { asked, shared } = reads();
  const answers = [200, 400, 600, 800].map((offset) =>
    Promise.resolve(shared.read(["e", offset], 5)).then(() => "answered", ({ message }) => message)
  );
  asked[0]!.fail();
  asked[1]!.fail();
  assertEquals(await Promise.all(answers), Array(4).fill("The store is down"));
  assertEquals(asked.length, 2);
  const later = Promise.resolve(shared.read(["e", 200], 5));
  asked[2]!.answer();
  assertEquals((await later).records.length, 5);
});
