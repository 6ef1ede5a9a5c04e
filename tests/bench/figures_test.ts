import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { OrderWatch } from "../../bench/load/order.ts";
import { percentiles } from "../../bench/load/outcome.ts";
import { range } from "../../bench/range.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";

test("bench: a range has the middle value, or the mean of the two in the middle", () => {
  assertEquals(range([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assertEquals(range([10, 1, 2, 3]), { median: 2.5, min: 1, max: 10 });
  assertEquals(range([7]), { median: 7, min: 7, max: 7 });
  assertEquals(range([123_456.7, 0.000123456]).max, 123_500);
});

test("bench: a percentile is the least value that so many values do not exceed", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, i) => 100 - i);
  assertEquals(percentiles(hundred), { p50: 50, p95: 95, p99: 99 });
  assertEquals(percentiles(Float64Array.of(5)), { p50: 5, p95: 5, p99: 5 });
  assertEquals(percentiles(new Float64Array(0)), { p50: NaN, p95: NaN, p99: NaN });
  const value = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (values) => {
      const { p50, p95, p99 } = percentiles(Float64Array.from(values));
      for (const [at, share] of [[p50, 0.5], [p95, 0.95], [p99, 0.99]] as const) {
        assertEquals(values.filter((value) => value <= at).length >= values.length * share, true);
        assertEquals(values.filter((value) => value < at).length < values.length * share, true);
      }
    }),
    runs(),
  );
});

/** Watches numbers of two senders with three messages each, from 100 on. */
function watch(...sequences: readonly number[]): boolean {
  const watch = new OrderWatch(100, 2, 3);
  for (const sequence of sequences) watch.take(sequence);
  return watch.ordered;
}

test("bench: messages count as ordered if each sender's are, in any mixture", () => {
  assertEquals(watch(100, 101, 102, 103, 104, 105), true);
  assertEquals(watch(103, 100, 104, 101, 105, 102), true);
  assertEquals(watch(99, 100, 101, 98, 102, 103, 104, 105), true, "an earlier round's are ignored");
});

test("bench: missing messages, duplicates, wrong order and unknown senders are noticed", () => {
  assertEquals(watch(), false);
  assertEquals(watch(100, 101, 102, 103, 104), false);
  assertEquals(watch(100, 101, 103, 104, 105), false);
  assertEquals(watch(100, 101, 101, 102, 103, 104, 105), false);
  assertEquals(watch(100, 102, 101, 103, 104, 105), false);
  assertEquals(watch(100, 101, 102, 103, 104, 105, 106), false);
});
