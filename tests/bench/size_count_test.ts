import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { clusterDialects } from "../../bench/load/cluster_dialects.ts";
import { text } from "../../bench/load/connection.ts";
import { SizeCount } from "../../bench/load/size_count.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";

const { history, trunkline, plain } = clusterDialects;

/** A frame of messages with these offsets, as the hub writes it. */
const frameOf = (offsets: readonly number[]): string =>
  JSON.stringify(offsets.map((offset) => ["rec", "kept/000000", offset, { text: text(offset) }]));
/** The offsets after one. */
const after = (offset: number, count: number) => Array.from({ length: count }, (_, i) => offset + i + 1);
const digits = (offset: number) => String(offset).length;

test("bench: the size of a frame tells how many numbered messages are in it, unless their numbers get longer in it", () => {
  const round = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 13, max: 400 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(round, (counts) => {
      const sizes = new SizeCount(history!.heard, text(0));
      let before = 0;
      for (const count of counts) {
        const known = digits(before + 1) === digits(before + count);
        assertEquals(sizes.count(frameOf(after(before, count)).length, before), known ? count : 0);
        before += count;
      }
    }),
    runs(200),
  );
});

test("bench: the size of a frame never gives a wrong number of messages, although up to 60 are missing or duplicates", () => {
  const near = fc.tuple(fc.constantFrom(10, 100, 1_000, 10_000), fc.integer({ min: -500, max: 500 }))
    .map(([power, more]) => Math.max(0, power + more));
  const shift = fc.integer({ min: -60, max: 60 });
  const count = fc.integer({ min: 1, max: 400 });
  fc.assert(
    fc.property(near, shift, count, (before, shift, count) => {
      const frame = frameOf(after(Math.max(0, before + shift), count));
      const told = new SizeCount(history!.heard, text(0)).count(frame.length, before);
      if (told !== 0) assertEquals(told, count);
    }),
    runs(1_000),
  );
});

test("bench: messages without a number have one size, alone in a frame or together", () => {
  const together = new SizeCount(trunkline!.heard, text(0));
  const frame = (count: number) =>
    JSON.stringify(Array.from({ length: count }, () => ["pub", "line/000000", { text: text(1) }])).length;
  for (const count of [1, 2, 9, 10, 500]) assertEquals(together.count(frame(count), 1e6), count);
  assertEquals(together.count(frame(3) + 1, 0), 0);
  const alone = new SizeCount(plain!.heard, text(0));
  const message = plain!.heard.message(text(1)).length;
  assertEquals([message, 2 * message, message + 1].map((size) => alone.count(size, 0)), [1, 0, 0]);
});
