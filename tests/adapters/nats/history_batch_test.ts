import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Batch, decodeBatch, encodeBatch } from "../../../adapters/nats/history/batch.ts";
import { test } from "../../harness.ts";

const text = fc.string({ unit: "binary" });
const earlier = fc.array(
  fc.record({
    gap: fc.integer({ min: 1, max: 1e6 }),
    count: fc.integer({ min: 1, max: 999 }),
    keys: fc.option(fc.uniqueArray(text, { maxLength: 3 })),
  }),
  { maxLength: 16 },
);

const batches: fc.Arbitrary<Batch> = fc.record({
  epoch: fc.string({ maxLength: 64 }),
  room: fc.integer({ min: 1, max: 1e9 }),
  node: text,
  size: fc.integer({ min: 1 }),
  ttlMs: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1 })),
  brief: fc.boolean(),
  earlier,
  records: fc.array(text, { minLength: 1, maxLength: 20 }),
  keys: fc.uniqueArray(text, { maxLength: 5 }),
}).map(({ room, earlier, keys, ...rest }) => {
  const first = room + earlier.reduce((sum, { count }) => sum + count, 0);
  let [seq, next] = [1e9, first];
  return {
    ...rest,
    first,
    floor: Math.min(room, first),
    earlier: earlier.map(({ gap, count, keys }) => {
      [seq, next] = [seq - gap, next - count];
      return keys
        ? { seq, count, keys: new Map(keys.map((key, i) => [key, next + i % count])) }
        : { seq, count };
    }),
    keys: new Map(keys.map((key, i) => [key, first + i % rest.records.length])),
  };
});

test("batches of histories in NATS JetStream: a written batch is read back unchanged", () => {
  fc.assert(fc.property(batches, (batch) => assertEquals(decodeBatch(encodeBatch(batch)), batch)));
});

test("batches of histories in NATS JetStream: damaged or foreign data are read as no batch or as a whole one", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(fc.property(batches, damage, fc.nat(), (batch, changes, cut) => {
    const bytes = encodeBatch(batch);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    for (const some of [bytes, bytes.subarray(0, cut % bytes.length)]) {
      const read = decodeBatch(some);
      if (!read) continue;
      assertEquals(read.records.every((record) => typeof record === "string"), true);
      for (const offset of read.keys.values()) {
        assertEquals(offset >= read.first && offset < read.first + read.records.length, true);
      }
      let next = read.first;
      for (const { seq, count, keys = [] } of read.earlier) {
        assertEquals(seq > 0 && count > 0, true);
        for (const [, offset] of keys) assertEquals(offset >= next - count && offset < next, true);
        next -= count;
      }
    }
  }));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assertEquals(decodeBatch(bytes), undefined)));
});

test("batches of histories in NATS JetStream: a contradicting head is not a batch", () => {
  const head = ["e", 9, "n", 5, null, 7, [1, 2], [40, 3, 1, 2], [["k", 1]], [null, [["l", 1]]]];
  const read = (at?: number, value?: unknown) => {
    const changed = at === undefined ? head : head.with(at, value as string);
    return decodeBatch(new TextEncoder().encode(`TLH1${JSON.stringify(changed)}\nabb`));
  };
  assertEquals(read()?.records, ["a", "bb"]);
  assertEquals(read()?.earlier, [
    { seq: 40, count: 3 },
    { seq: 39, count: 2, keys: new Map([["l", 5]]) },
  ]);
  const wrong: readonly [at: number, values: readonly unknown[]][] = [
    [0, [1, null, "x".repeat(65)]],
    [1, [0, 1.5, "9", -1, 6, 2 ** 53]], // 6: before it were 5, and the floor is 7
    [2, [1, null]],
    [3, [0, -1, null]],
    [4, [0, "1"]],
    [5, [0, 10]],
    [6, [[], [1], [1, 3], [-1, 4], [3.5], "ab"]],
    [7, [[40], [40, 3, 40, 1], [40, 0], [0, 1], [40, 9], null]],
    [8, [[["k", 2]], [["k", -1]], [["k"]], [[1, 1]], ["k"], null]],
    [9, [[null], [null, null, null], [[["l", 3]], null], [null, [["l", 2]]], [null, ["l"]], [null, 1], null]],
  ];
  for (const [at, values] of wrong) {
    for (const value of values) assertEquals(read(at, value), undefined, `${at}: ${JSON.stringify(value)}`);
  }
});
