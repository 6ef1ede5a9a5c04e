import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Judgement } from "../../bench/load/recovery/ledger.ts";
import { historyCandidates, recoveryCandidates } from "../../bench/recovery/candidates.ts";
import { drops } from "../../bench/recovery/drops.ts";
import {
  type DropsCase,
  dropsFaults,
  type DropsRow,
  dropsVerdicts,
  toDropsRow,
} from "../../bench/recovery/drops_rows.ts";
import { history } from "../../bench/recovery/history.ts";
import { historyFaults, toHistoryRows } from "../../bench/recovery/history_rows.ts";
import { storm, stormFaults, type StormRow, stormVerdicts, toStormRow } from "../../bench/recovery/storm.ts";
import { test } from "../harness.ts";
import { same } from "./row.ts";

const [ours] = recoveryCandidates;
const which: DropsCase = { candidate: ours!, nodes: 1, fate: "lives" };
const spread = (ms: number) => ({ p50: ms, p95: ms, p99: ms, max: ms });
const NOTHING = spread(null as never); // as JSON has what is no number

const judged = (part: Partial<Judgement> = {}): Judgement => ({
  delivered: 10,
  expected: 10,
  duplicates: 0,
  disordered: 0,
  falseClaims: 0,
  silentlyLost: 0,
  outages: 4,
  neverBack: 0,
  latency: spread(5),
  replay: spread(50),
  away: spread(60),
  ...part,
});
const dropsRow = (part: Partial<DropsRow> = {}): DropsRow => ({
  ...toDropsRow({ which, outcomes: [judged()] }),
  ...part,
});

test("bench: a row of cut links has the worst repetition's counts, and all outages", () => {
  const row = toDropsRow({
    which,
    outcomes: [
      judged({ delivered: 9, silentlyLost: 1 }),
      judged({ duplicates: 2, falseClaims: 3, replay: NOTHING }),
    ],
  });
  const { delivered, expected, duplicates, falseClaims, silentlyLost, outages, replayMs } = row;
  assertEquals({ delivered, expected, duplicates, falseClaims, silentlyLost, outages }, {
    delivered: 9,
    expected: 10,
    duplicates: 2,
    falseClaims: 3,
    silentlyLost: 1,
    outages: 8,
  });
  assertEquals(replayMs?.p99, same(50), "what replayed nothing has no say");
  assertEquals("replayMs" in toDropsRow({ which, outcomes: [judged({ replay: NOTHING })] }), false);
});

test("bench: losses, duplicates, wrong order and false recovery are faults of Trunkline's", () => {
  assertEquals(dropsFaults([dropsRow()]), []);
  for (const part of [{ delivered: 9 }, { duplicates: 1 }, { disordered: 1 }, { falseClaims: 1 }]) {
    assertEquals(dropsFaults([dropsRow(part)]).length, 1, JSON.stringify(part));
    assertEquals(dropsFaults([dropsRow({ ...part, peer: "peer" })]), []);
  }
});

test("bench: replays are compared with those of peers with as many nodes and the same fate", () => {
  const replayMs = (ms: number) => ({ p50: same(ms), p99: same(ms), max: same(ms) });
  const peer = (ms: number, part: Partial<DropsRow> = {}) =>
    dropsRow({ peer: "peer", replayMs: replayMs(ms), ...part });
  const { replayMs: _, ...silent } = peer(1);
  const unreached = (...others: DropsRow[]) =>
    dropsVerdicts([dropsRow(), ...others]).filter(({ reached }) => !reached).map(({ found }) => found);
  assertEquals(unreached(peer(60), silent, peer(10, { nodes: 3 }), peer(10, { fate: "killed" })), []);
  assertEquals(unreached(peer(60), peer(40)), ["1.25"]);
  const { replayMs: __, ...nothing } = dropsRow();
  assertEquals(dropsVerdicts([nothing]).at(-1)!.reached, false, "without a replay nothing is reached");
});

const stormOutcome = (part: object = {}) => ({
  clients: 5_000,
  back: { p50: 500, p95: 900, p99: 950, max: 1_000 },
  lost: 0,
  messages: judged(),
  stayed: { latency: { p50: 1, p95: 2, p99: 3 }, answered: 10, failed: 0 },
  ...part,
});
const stormRow = (...outcomes: ReturnType<typeof stormOutcome>[]): StormRow =>
  toStormRow({ which: { candidate: ours!, nodes: 2, clients: 5_000 }, outcomes });

test("bench: a row of a storm has the worst repetition's counts, and is judged by its median", () => {
  const row = stormRow(
    stormOutcome(),
    stormOutcome({ lost: 2, messages: judged({ delivered: 8, duplicates: 1, falseClaims: 1 }) }),
    stormOutcome({ back: { p50: 500, p95: 9_000, p99: 9_000, max: 9_000 } }),
  );
  const { lost, delivered, duplicates, falseClaims, p95Ms } = row;
  assertEquals({ lost, delivered, duplicates, falseClaims, p95: p95Ms }, {
    lost: 2,
    delivered: 8,
    duplicates: 1,
    falseClaims: 1,
    p95: { median: 900, min: 900, max: 9_000 },
  });
  assertEquals(stormFaults([row]).length, 4);
  assertEquals(stormVerdicts([row]).map(({ reached }) => reached), [false, true]);
  assertEquals(stormFaults([stormRow(stormOutcome())]), []);
  assertEquals(stormFaults([{ ...row, peer: "peer" }]), []);
});

test("bench: the reports of recovery have a line for each row, and a bar", () => {
  const { replayMs: _, ...silent } = dropsRow({
    peer: "peer",
    server: "other",
    delivered: 9,
    expected: 1_000_000,
  });
  const reports = [
    drops.report([dropsRow(), { ...silent, delivered: 999_999 }]),
    storm.report([stormRow(stormOutcome())]),
  ];
  assertStringIncludes(
    reports[0]!.text,
    "| **trunkline** | deno | memory | 1 | lives | 100 % | 0 | 0 | 0 | 50 / 50 / 50 |",
  );
  assertStringIncludes(reports[0]!.text, "| lives | 99.99 % |", "what is not all is not called all");
  assertStringIncludes(reports[1]!.text, "| 5,000 | 500 (500–500) | 900 (900–900) |");
  for (const { text, drawings = {} } of reports) {
    for (const [name, svg] of Object.entries(drawings)) {
      assertStringIncludes(text, `results/${name}.svg`);
      assertEquals(svg.includes("NaN"), false);
    }
  }
});

const crossed = (deliveries: number, part: object = {}) => ({
  delivered: deliveries,
  expected: deliveries,
  ordered: true,
  ms: 1_000,
  cpuMs: 500,
  loadCpuMs: 100,
  frames: 9,
  rss: [1e6],
  window: 128,
  paced: { delivered: 10, expected: 10 },
  latencies: { p50: 1, p95: 2, p99: 3 },
  ...part,
});
const historyRows = (...outcomes: readonly (readonly [number, number, object?])[]) =>
  toHistoryRows({
    which: { candidate: historyCandidates[0]!, nodes: 1 },
    outcomes: outcomes.map(([plain, kept, part]) => ({
      "plain": crossed(plain),
      "with history": crossed(kept, part),
    })),
  });

test("bench: the cost of a history is the ratio within each pair of runs, not of runs that a busy moment separates", () => {
  const [plain, kept] = historyRows([100, 50], [1_000, 600], [10, 8]);
  assertEquals([plain!.topic, kept!.topic], ["plain", "with history"]);
  assertEquals(plain!.ofPlain, same(1));
  assertEquals(kept!.ofPlain, { median: 0.6, min: 0.5, max: 0.8 });
  assertEquals(historyRows([100, 50, { cpuMs: 1_000 }])[1]!.ofPlainPerCpu, same(0.25));
  assertEquals([kept!.bench, kept!.deliveriesPerSecond.median, kept!.p99Ms], ["history", 50, same(3)]);
});

test("bench: lost or disordered messages of a topic with history are a fault that names the topic", () => {
  assertEquals(historyFaults(historyRows([100, 50])), []);
  for (const part of [{ expected: 51 }, { ordered: false }, { paced: { delivered: 9, expected: 10 } }]) {
    const faults = historyFaults(historyRows([100, 50], [100, 50, part]));
    assertEquals(faults.length, 1, JSON.stringify(part));
    assertStringIncludes(faults[0]!, "history: trunkline, memory, with history (deno), 1 nodes");
  }
});

test("bench: the report of histories has a line for each pair, the plain topic's figures first", () => {
  const { text, drawings = {} } = history.report(historyRows([100, 50], [1_000, 600], [10, 8]));
  assertStringIncludes(
    text,
    "| memory | deno | 1 | 100 (10–1.0 k) → 50 (8–600) | 0.60 × (0.50–0.80) | 0.60 × (0.50–0.80) | 128 → 128 | 100 % |",
  );
  assertStringIncludes(text, "results/history.svg");
  assertStringIncludes(drawings["history"]!, "memory (deno), 1 node, with history");
});
