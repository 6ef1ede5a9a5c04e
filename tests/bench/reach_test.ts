import { assertEquals } from "@std/assert";
import { benches, judge } from "../../bench/benches.ts";
import { nothingLeft, reachTable, verdict, verdictsOf } from "../../bench/reach.ts";
import type { Row } from "../../bench/rows.ts";
import { type Shape, type ShareRow, shareVerdicts } from "../../bench/shares.ts";
import { studies } from "../../bench/studies.ts";
import { test } from "../harness.ts";
import { row, same } from "./row.ts";

const twice = {
  figure: "deliveriesPerSecond",
  reach: [{ runtime: "deno", than: { server: "peer", runtime: "deno" }, atLeast: 2 }],
} as const;

test("bench: a ratio is reached or not, and a row with undelivered messages reaches nothing", () => {
  const reached = (rows: Row[]) => verdictsOf(twice, rows).map(({ found, reached }) => [found, reached]);
  assertEquals(reached([row("trunkline", 4), row("peer", 2, { peer: "peer" })]), [["2", true]]);
  assertEquals(reached([row("trunkline", 3.9), row("peer", 2, { peer: "peer" })]), [["1.95", false]]);
  for (const loss of [{ delivered: 0 }, { ordered: false }]) {
    assertEquals(reached([row("trunkline", 9, loss), row("peer", 2, { peer: "peer" })]), [[
      "not everything was delivered",
      false,
    ]]);
  }
  const nothing = [["there is nothing to compare with", false]];
  assertEquals(reached([row("trunkline", 9)]), nothing);
  assertEquals(reached([row("trunkline", 9), row("peer", 2, { peer: "peer", delivered: 0 })]), nothing);
});

test("bench: a limit of its own is judged with its unit", () => {
  assertEquals(verdict("x", 10, { atMost: 10 }, "ms"), { aim: "x: ≤ 10 ms", found: "10", reached: true });
  assertEquals(verdict("x", 0, { atMost: 0 }, "losses"), { aim: "x: no losses", found: "0", reached: true });
  assertEquals(verdict("x", 1234.4, { atMost: 10 }, "ms").found, "1234");
  assertEquals(verdict("x", NaN, { atMost: 10 }, "ms").reached, false);
});

test("bench: a target without another server is the figure itself", () => {
  const bench = { figure: "deliveriesPerSecond", reach: [{ runtime: "deno", atLeast: 5 }] } as const;
  assertEquals(verdictsOf(bench, [row("trunkline", 5)]), [
    { aim: "trunkline (deno): ≥ 5 per second", found: "5", reached: true },
  ]);
  assertEquals(verdictsOf(bench, [row("trunkline", 4)]).map(({ reached }) => reached), [false]);
  assertEquals(verdictsOf(bench, [row("trunkline", 9, { delivered: 0 })]).map(({ reached }) => reached), [
    false,
  ]);
});

test("bench: leftovers of closed connections are reported", () => {
  const stats = { connections: 0, groups: 0, refused: { origin: 0, busy: 1 } };
  assertEquals(nothingLeft([row("trunkline", 1, { stats })]).map(({ reached }) => reached), [true]);
  const [left] = nothingLeft([
    row("trunkline", 1, { stats: { ...stats, groups: 2 } }),
    row("peer", 1, { peer: "peer" }),
  ]);
  assertEquals([left!.found, left!.reached], ["2 groups, 1 MB", false]);
  assertEquals(nothingLeft([row("trunkline", 1, { stats, heapGrowthMb: same(50) })])[0]!.reached, false);
});

test("bench: every benchmark of servers has a target, and the table shows which are not reached", () => {
  const rows = [row("trunkline", 1), row("trunkline", 1, { runtime: "bun" })];
  for (const bench of benches) assertEquals(judge(bench, rows).length > 0, true, bench.name);
  const table = reachTable([{ bench: "b", verdict: verdict("x", 3, { atMost: 2 }, "s") }]);
  assertEquals(table.split("\n").at(-1), "| b | x: ≤ 2 s | 3 | **no** |");
});

const load = { shape: "fanout", clients: 1, messages: 1 } as const;
const shape = (name: string, atLeast?: number): Shape => ({
  name,
  dialect: "d",
  load,
  quick: load,
  ...(atLeast !== undefined && { atLeast }),
});
const shareRow = (shape: string, speed: number, more: Partial<ShareRow> = {}): ShareRow => ({
  shape,
  runtime: "deno",
  deliveriesPerCpuSecond: same(speed),
  delivered: 1,
  expected: 1,
  repetitions: 1,
  ...more,
});

test("bench: a shape is judged by its share of the first one on the same runtime, if everything was delivered", () => {
  const reached = (...rows: ShareRow[]) =>
    shareVerdicts([shape("first"), shape("second", 0.5), shape("third")], rows)
      .map(({ aim, found, reached }) => [aim, found, reached]);
  const aim = "trunkline (deno), second: ≥ 0.5 × first";
  const others = [shareRow("first", 100, { runtime: "bun" }), shareRow("third", 1)];
  assertEquals(reached(shareRow("first", 8), shareRow("second", 4), ...others), [[aim, "0.5", true]]);
  assertEquals(reached(shareRow("first", 8), shareRow("second", 3), ...others), [[aim, "0.375", false]]);
  for (const fault of [{ delivered: 0 }, { ordered: false }]) {
    assertEquals(reached(shareRow("first", 8), shareRow("second", 8, fault)), [
      [aim, "not everything was delivered", false],
    ]);
  }
});

test("bench: every target is a ratio, because a fast machine would reach any fixed speed", () => {
  const rows = [row("trunkline", 1), row("trunkline", 1, { runtime: "bun" })];
  for (const bench of benches) {
    for (const { aim } of judge(bench, rows)) assertEquals(/per (CPU )?second/.test(aim), false, aim);
  }
  const shapes = [
    "one topic",
    "the same 200 topics",
    "a signal, JSON",
    "a signal, MessagePack",
    "a request, JSON",
  ]
    .map((shape) => shareRow(shape, 1));
  for (const [name, count] of [["groups", 1], ["variants", 2]] as const) {
    const aims = studies.find((study) => study.name === name)!.reach!(shapes).map(({ aim }) => aim);
    assertEquals(aims.map((aim) => /≥ [\d.]+ × /.test(aim)), Array(count).fill(true), name);
  }
});
