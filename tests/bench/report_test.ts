import { assertEquals, assertStringIncludes } from "@std/assert";
import { benches } from "../../bench/benches.ts";
import { candidates } from "../../bench/candidates.ts";
import { growthFaults, type GrowthRow } from "../../bench/growth_rows.ts";
import { plotLines } from "../../bench/line_plot.ts";
import type { Measurement } from "../../bench/measure.ts";
import { plot } from "../../bench/plot.ts";
import { afterSteady } from "../../bench/readme.ts";
import { escape, ratio, short } from "../../bench/svg.ts";
import { type Row, shareArrived, toRow } from "../../bench/rows.ts";
import { test } from "../harness.ts";
import { row, same } from "./row.ts";

test("bench: text in a plot cannot end an element or an attribute", () => {
  assertEquals(escape(`a<b> & "c"`), "a&lt;b&gt; &amp; &quot;c&quot;");
  const svg = plot({ name: `<n>`, what: `"w" <i>`, figure: "deliveriesPerSecond" }, [row("<s>&", 1)]);
  for (const text of [`aria-label="&quot;w&quot; &lt;i&gt;"`, "&lt;n&gt;", "&lt;s&gt;&amp; (deno)"]) {
    assertStringIncludes(svg, text);
  }
  assertStringIncludes(plotLines("<t>", [{ name: "<l>", colour: "#000", points: [[1, 1]] }]), "&lt;l&gt;");
});

test("bench: figures are short", () => {
  assertEquals([1_234_567, 12_345, 123, 1.23456, 0].map(short), ["1.23 M", "12.3 k", "123", "1.23", "0"]);
  assertEquals([0.1234, 1, 26.4, 119.4, 1_234].map(ratio), ["0.12", "1.0", "26", "119", "1234"]);
});

test("bench: the longest bar is the most, and a plot of nothing but zeros has no lengths that are no numbers", () => {
  const widths = (...values: number[]) =>
    [
      ...plot({ name: "n", what: "w", figure: "deliveriesPerSecond" }, values.map((value) => row("s", value)))
        .matchAll(/width="([^"]+)" height="20"/g),
    ].map(([, width]) => Number(width));
  const [one, two] = widths(1, 2);
  assertEquals(two! / one!, 2);
  assertEquals(widths(0, 0), [0, 0]);
  const zeros = plotLines("t", [{ name: "l", colour: "#000", points: [[0, 0], [10, 0]] }]);
  assertEquals(zeros.includes("NaN"), false);
});

test("bench: lines share a scale that begins at zero, and sizes stand at equal distances", () => {
  const svg = plotLines("t", [
    { name: "a", colour: "#000", points: [[0, 0], [100, 50], [1_000, 100]] },
    { name: "b", colour: "#111", points: [[0, 100]] },
  ]);
  const [, path] = svg.match(/<path d="M([^"]+)" fill="none"/)!;
  const points = path!.split("L").map((point) => point.split(" ").map(Number));
  assertEquals(points.length, 3);
  assertEquals(points[1]![0]! - points[0]![0]!, points[2]![0]! - points[1]![0]!);
  assertEquals(points[1]![1]! - points[0]![1]!, points[2]![1]! - points[1]![1]!);
  assertEquals(svg.match(/<circle/g)!.length, 4);
});

test("bench: the text for readers tells who is ahead, on each runtime, and how far Socket.IO is behind", () => {
  const speeds = (server: string, perCpu: number, more: Partial<Row> = {}) =>
    row(server, 1, { deliveriesPerCpuSecond: same(perCpu), ...more });
  const text = afterSteady([
    speeds("trunkline", 14),
    speeds("trunkline", 18, { runtime: "bun" }),
    speeds("loop", 16, { peer: "control" }),
    speeds("limit", 20, { peer: "control", runtime: "native" }),
    speeds("socket.io", 10, { peer: "peer", runtime: "node" }),
  ]);
  assertStringIncludes(text, "1.4 × (Deno) and 1.8 × (Bun) as many");
  assertStringIncludes(text, "than Trunkline on Deno: loop on Deno, limit; than Trunkline on Bun: limit.");
});

const cost = (size: number, us: number, more: Partial<GrowthRow> = {}): GrowthRow => ({
  grows: "idlers",
  server: "trunkline",
  runtime: "deno",
  size,
  how: "burst",
  deliveriesPerSecond: same(1),
  deliveriesPerCpuSecond: same(1),
  cpuUsPerPublish: same(us),
  rssMb: 1,
  rssGrownMb: 1,
  delivered: 1,
  expected: 1,
  ordered: true,
  ...more,
});

test("bench: a publish that costs more because of other clients is a fault, and so are lost or disordered messages", () => {
  assertEquals(growthFaults([cost(0, 10), cost(10_000, 15)]), []);
  assertEquals(growthFaults([cost(0, 10), cost(10_000, 30)]).length, 1);
  assertEquals(
    growthFaults([cost(0, 10), cost(10_000, 30, { runtime: "bun" }), cost(0, 30, { runtime: "bun" })]),
    [],
  );
  assertEquals(
    growthFaults([cost(10, 10, { grows: "connections" }), cost(100, 99, { grows: "connections" })]),
    [],
  );
  assertEquals(growthFaults([cost(0, 10, { delivered: 0 })]).length, 1);
  assertEquals(growthFaults([cost(0, 10, { ordered: false })]).length, 1);
  assertEquals(growthFaults([cost(0, 10, { server: "bare" }), cost(10_000, 30, { server: "bare" })]), []);
});

test("bench: the worst repetition is the one with the smallest share, also when it delivered the most", () => {
  const [contender] = candidates;
  const measured = [[10, 10], [90, 100]].map(([delivered, expected]): Measurement => ({
    ...{
      delivered: delivered!,
      expected: expected!,
      ms: 1,
      cpuMs: 1,
      loadCpuMs: 1,
      frames: 1,
      stats: undefined,
    },
    ...{ rssBefore: 0, rssAfter: 1, heapBefore: 0, heapAfter: 1 },
  }));
  const { delivered, expected } = toRow(benches[0]!, contender!, measured);
  assertEquals({ delivered, expected }, { delivered: 90, expected: 100 });
});

test("bench: the report says how much arrived, and that it was out of order only if all of it arrived", () => {
  const said = (more: Partial<Row>) => shareArrived(row("a", 1, more));
  assertEquals(said({ delivered: 4, expected: 4, ordered: true }), "100 %");
  assertEquals(said({ delivered: 4, expected: 4, ordered: false }), "100 %, out of order");
  assertEquals(said({ delivered: 3, expected: 4, ordered: false }), "75.0 %");
});
