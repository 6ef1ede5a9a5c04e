/** Few requests find whether a key is known, however many batches are stored, and a node reads only the batches that it missed. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BatchIndex } from "../../../adapters/nats/history/batch_index.ts";
import { decodeBatch } from "../../../adapters/nats/history/batch.ts";
import { readPlaced } from "../../../adapters/nats/history/topic_log.ts";
import { test } from "../../harness.ts";
import { type MemoryNode, MemoryStream } from "./memory_stream.ts";

const OPTIONS = { size: 100_000, ttlMs: Infinity } as const;

/** Appends one after the other, so that each is a batch of its own. */
async function fill({ appender }: MemoryNode, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await appender.append(`${n}`, { ...OPTIONS, idempotencyKey: `k${n}` });
}

test("nats history: a node that is new finds a key among thousands of batches with a request for many of them", async () => {
  const stream = new MemoryStream();
  await fill(stream.node(), 1, 4_000);
  const { log } = stream.node();
  stream.reads = 0;
  await log.tail(stream.stream);
  assertEquals(await log.find(stream.stream, "k1", 0), ["L.0", 1]);
  assertEquals(await log.find(stream.stream, "k4000", 0), ["L.0", 4_000]);
  assertEquals(await log.find(stream.stream, "k", 0), undefined);
  assert(stream.reads < 250, `${stream.reads} reads`);
});

test("nats history: a node that has missed batches of others reads these, and not those that it knew", async () => {
  const stream = new MemoryStream();
  const [a, b] = [stream.node(), stream.node()];
  await fill(a, 1, 500);
  await b.log.tail(stream.stream);
  await b.log.find(stream.stream, "k", 0);
  b.listens = false;
  await fill(a, 501, 1_000);
  stream.reads = 0;
  b.log.doubt();
  await fill(b, 1_001, 1_001);
  assert(stream.reads < 150, `${stream.reads} reads`);
  for (let n = 1; n <= 1_001; n++) {
    assertEquals(await b.log.find(stream.stream, `k${n}`, 0), ["L.0", n]);
  }
});

test("nats history: a refused node that has got the newer batch writes again without a read", async () => {
  const stream = new MemoryStream();
  const nodes = [stream.node(), stream.node(), stream.node()];
  await fill(nodes[0]!, 1, 1);
  await Promise.all(nodes.map(({ log }) => log.tail(stream.stream)));
  stream.reads = 0;
  await Promise.all(nodes.map((node, i) => fill(node, 100 * i + 2, 100 * i + 101)));
  assert(stream.refused > 0);
  const records = stream.kept.flatMap(({ data }) => decodeBatch(data)!.records);
  assertEquals([new Set(records).size, records.length, stream.reads], [301, 301, 0]);
});

test("nats history: messages that do not fit into one batch are stored once, even if another node is faster", async () => {
  const stream = new MemoryStream();
  const [a, b] = [stream.node(), stream.node()];
  await fill(a, 1, 1);
  b.listens = false;
  await fill(b, 2, 2);
  await fill(a, 3, 3); // what b knows is old
  stream.limits.maxPayload = 300; // the head of one fits, that of all does not
  const texts = Array.from({ length: 60 }, (_, i) => String.fromCharCode(65 + i));
  await Promise.all(texts.map((text) => b.appender.append(text, OPTIONS)));
  const records = stream.kept.flatMap(({ data }) => decodeBatch(data)!.records);
  assertEquals(records, ["1", "2", "3", ...texts]);
});

test("nats history: in every order of reading batches, the index ends with all stored batches", async () => {
  const stream = new MemoryStream();
  await fill(stream.node(), 1, 300);
  const all = stream.kept.map(readPlaced);
  const newest = all.at(-1)!;
  fc.assert(fc.property(fc.shuffledSubarray(all), fc.nat(300), (some, gone) => {
    const index = new BatchIndex();
    index.add(newest);
    for (const placed of some) index.add(placed);
    index.dropBefore(gone);
    for (let steps = 0;; steps++) {
      const wanted = new Set(index.unread(10));
      if (index.top) wanted.add(index.top);
      if (wanted.size === 0) break;
      assert(steps < 300);
      for (const entry of wanted) {
        const placed = all.find(({ seq }) => seq === entry.seq)!;
        if (entry.first < gone) index.gone(entry);
        else index.add(placed);
      }
    }
    const kept = all.filter(({ batch }) => batch.first >= gone || batch === newest.batch);
    assertEquals(index.entries.map(({ seq }) => seq), kept.map(({ seq }) => seq));
    for (let n = 1; n <= 300; n++) assertEquals(index.offsetOf(`k${n}`), n >= gone ? n : undefined);
    assertEquals(index.size, 2 * kept.length);
  }));
});

test("nats history: a batch that one read does not find is not reported as removed, and a batch that the stream has lost is forgotten", async () => {
  const stream = new MemoryStream();
  await fill(stream.node(), 1, 20);
  const all = stream.kept.map(readPlaced);
  const index = new BatchIndex();
  for (const placed of all) index.add(placed);
  index.gone(index.entries[9]!);
  assertEquals([index.floor, index.toldFloor, index.offsetOf("k10"), index.offsetOf("k11")], [
    11,
    1,
    undefined,
    11,
  ]);
  index.dropAfter(all[14]!.seq);
  assertEquals([index.newest?.first, index.offsetOf("k15"), index.offsetOf("k16")], [15, 15, undefined]);
  assertEquals([index.isComplete, index.size], [true, 10]);
});

test("nats history: a new node removes expired messages, even if others have reported them", async () => {
  const stream = new MemoryStream();
  await fill(stream.node(), 1, 300);
  const { log } = stream.node();
  await log.tail(stream.stream);
  await log.find(stream.stream, "k", 0);
  const before = stream.kept[200]!.at;
  for (let times = 0; log.isStale(before); times++) {
    assert(times < 10);
    await log.trim(stream.stream, OPTIONS.size, before);
  }
  assertEquals(stream.kept[0]!.at, before);
});

test("nats history: a key no longer counts when its message has expired, also on a node that has only got the message from others", async () => {
  const stream = new MemoryStream();
  const a = stream.node();
  await fill(a, 1, 300);
  const { log } = stream.node();
  await log.tail(stream.stream);
  assertEquals(await log.find(stream.stream, "k7", stream.kept[6]!.at), ["L.0", 7]);
  assertEquals(await log.find(stream.stream, "k8", stream.kept[7]!.at + 1), undefined);
  await fill(a, 8, 8);
  for (const node of [a.log, log]) {
    assertEquals(await node.find(stream.stream, "k8", stream.kept[7]!.at + 1), undefined);
  }
  const again = { ...OPTIONS, ttlMs: 100, idempotencyKey: "k8" };
  assertEquals(await a.appender.append("again", again), ["L.0", 301]);
  assertEquals(await log.find(stream.stream, "k8", stream.kept[7]!.at + 1), ["L.0", 301]);
});

test("nats history: the knowledge of a channel that was removed as a whole no longer counts, although its offsets start again", async () => {
  const stream = new MemoryStream();
  const [a, b] = [stream.node(), stream.node()];
  await fill(a, 1, 100);
  await b.log.tail(stream.stream);
  await b.log.find(stream.stream, "k", 0);
  b.listens = false;
  stream.kept.splice(0);
  await fill(a, 201, 350);
  b.log.doubt();
  await b.log.tail(stream.stream);
  for (let n = 1; n <= 150; n++) {
    assertEquals(await b.log.find(stream.stream, `k${n + 200}`, 0), ["L.0", n]);
    if (n <= 100) assertEquals(await b.log.find(stream.stream, `k${n}`, 0), undefined);
  }
});
