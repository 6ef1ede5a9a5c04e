import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type BenchReport, faultsOf, MACHINE, readCosts } from "../../bench/micro/guard.ts";
import { test } from "../harness.ts";

const report = (costs: Readonly<Record<string, number>>): BenchReport => ({
  benches: Object.entries(costs).map(([name, p75]) => ({ name, results: [{ ok: { p75 } }] })),
});

test("bench: a part is measured as a multiple of what the machine needs for a fixed task", () => {
  const slow = readCosts(report({ [MACHINE]: 20_000, encode: 500 }));
  const fast = readCosts(report({ [MACHINE]: 10_000, encode: 250 }));
  assertEquals(slow.costs, fast.costs);
  assertEquals(slow.ns.encode, 500);
});

test("bench: a part that costs more than twice its record is a fault, and so is a part without a record", () => {
  const recorded = { encode: 0.02, decode: 0.05 };
  assertEquals(faultsOf({ encode: 0.039, decode: 0.01 }, recorded), []);
  const faults = faultsOf({ encode: 0.041, decode: 0.05, join: 1 }, recorded);
  assertEquals(faults.length, 2);
  assertStringIncludes(faults[0]!, "encode: 2.0 times");
  assertStringIncludes(faults[1]!, "join: has no limit");
});

test("bench: a report with a failed benchmark, or without the fixed task, is no report", () => {
  const failed = { benches: [{ name: "encode", results: [{ failed: { errors: [] } }] }] };
  assertThrows(() => readCosts(failed), Error, '"encode" failed');
  assertThrows(() => readCosts(report({ encode: 1 })), Error, "There is no benchmark");
  const [twice] = report({ [MACHINE]: 1 }).benches;
  assertThrows(() => readCosts({ benches: [twice!, twice!] }), Error, "Two benchmarks");
});
