/**
 * History: the cost of a topic's history, in every store.
 *
 * @module
 */

import { nameOf } from "../cluster/compare.ts";
import { quickCrossnode } from "../cluster/crossnode.ts";
import { type ClusterTask, measureCluster } from "../cluster/measure.ts";
import { ranged, shareOf } from "../cluster/table.ts";
import type { CrossnodeOutcome } from "../load/crossnode.ts";
import { plotBars } from "../plot.ts";
import type { Range } from "../range.ts";
import { KEPT } from "../servers/history/contract.ts";
import type { Study } from "../study.ts";
import { historyCandidates } from "./candidates.ts";
import { compareRecovery } from "./compare.ts";
import { historyFaults, type HistoryPair, type HistoryRow, toHistoryRows } from "./history_rows.ts";

const NODES = 2;
const SUBSCRIBERS = 200;
const RATE = 100;
const WINDOWS = [32, 128, 512, 2_048];

const FULL: ClusterTask = {
  shape: "crossnode",
  speakers: 4,
  windows: WINDOWS,
  tryMs: 150,
  subscribers: SUBSCRIBERS,
  forMs: 500,
  paced: { rate: RATE, forMs: 500 },
};

/** The plain row of each case, with its row with history. */
function pairsOf(rows: readonly HistoryRow[]): (readonly [HistoryRow, HistoryRow])[] {
  const isSame = (a: HistoryRow, b: HistoryRow) =>
    a.adapter === b.adapter && a.runtime === b.runtime && a.nodes === b.nodes;
  return rows.filter(({ topic }) => topic === "plain").flatMap((plain) => {
    const kept = rows.find((row) => row.topic !== "plain" && isSame(row, plain));
    return kept ? [[plain, kept] as const] : [];
  });
}

const caseOf = ({ nodes, topic }: HistoryRow): string => `${nodes} node${nodes > 1 ? "s" : ""}, ${topic}`;
const times = ({ median, min, max }: Range): string =>
  `${median.toFixed(2)} × (${min.toFixed(2)}–${max.toFixed(2)})`;
const both = (
  [plain, kept]: readonly [HistoryRow, HistoryRow],
  cell: (row: HistoryRow) => string | number,
): string => `${cell(plain)} → ${cell(kept)}`;

function tableOf(rows: readonly HistoryRow[]): string {
  const lines = pairsOf(rows).map((pair) => {
    const [, kept] = pair;
    const shares = [...new Set(pair.map(shareOf))].join(" → ");
    return `| ${
      [
        kept.adapter,
        kept.runtime,
        kept.nodes,
        both(pair, ({ deliveriesPerSecond }) => ranged(deliveriesPerSecond)),
        times(kept.ofPlain),
        times(kept.ofPlainPerCpu),
        both(pair, ({ window }) => window.median),
        shares,
        both(pair, ({ p50Ms }) => ranged(p50Ms)),
        both(pair, ({ p99Ms }) => ranged(p99Ms)),
        both(pair, ({ rssMb }) => ranged(rssMb)),
      ].join(" | ")
    } |`;
  });
  return [
    "| store | runtime | nodes | per second: plain → with history | ratio | ratio per CPU second | window | delivered | p50, ms | p99, ms | MB per node |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

function report(rows: readonly HistoryRow[]) {
  const text = [
    `The load is that of \`crossnode\`: four clients publish to one topic on the first node, and ${SUBSCRIBERS} clients on the ` +
    "other node subscribe to it. With one node, the subscribers are on that node: this is a fanout, with its history in the memory of the node. " +
    "Each case runs twice, one run right after the other, in new processes: with a plain topic, and with a topic that declares " +
    `\`history\` (the newest ${KEPT.size.toLocaleString("en")} messages, of the last ${
      KEPT.ttlMs / 60_000
    } minutes). Everything else is the same. ` +
    "In every cell the plain topic's figure comes first.",
    "The server delivers a message of a plain topic at once. It delivers a message of a topic with history when the message is stored. So the " +
    "publisher waits for the store, and clients get the message with its number. The handler of the server awaits `hub.publish` for each call " +
    `separately, so as many messages are on their way to the store as the window allows (${
      WINDOWS.join(", ")
    }; each topic has the window ` +
    "with which it is fastest). Each subscriber counts its messages, and one on each node checks that each message came once and in order.",
    `**ratio** is the speed of the topic with history, divided by that of the plain topic: the median of the pairs, and their range. p50 and p99 are measured at ${RATE} ` +
    "messages a second, which every store can do. Stores share a processor with the load client. Redis keeps histories in memory and writes no file. " +
    "JetStream writes files and syncs them from time to time, its default. PostgreSQL waits for the disk at every commit, its default.",
    "![Deliveries per second, plain and with history](results/history.svg)",
    tableOf(rows),
    `${rows[0]?.repetitions ?? 0} pairs of runs each.`,
  ].join("\n\n");
  const bars = pairsOf(rows).flat().map((row) => ({
    name: `${row.adapter} (${row.runtime}), ${caseOf(row)}`,
    peer: row.topic === "plain" ? "control" : "trunkline",
    figure: row.deliveriesPerSecond,
  }));
  const history = plotBars("Deliveries per second", "Deliveries per second, plain and with history", bars);
  return { text, drawings: { history } };
}

/** The study. */
export const history: Study<readonly HistoryRow[]> = {
  name: "history",
  what: `the cost of a topic's history, on 1 and ${NODES} nodes`,
  canBeQuick: true,
  withinS: 120,
  report,
  async run(paths, say, { quick, ...extent }) {
    const task = quick ? quickCrossnode : FULL;
    const cases = historyCandidates.filter(({ quickly }) => !quick || quickly)
      .map((candidate) => ({ candidate, nodes: candidate.broker ? NODES : 1 }));
    const { measured, faults } = await compareRecovery(
      "history",
      cases,
      async ({ candidate, nodes }, { paths, url = "" }): Promise<HistoryPair> => {
        const measure = (dialect: string) =>
          measureCluster<CrossnodeOutcome>({ ...candidate, dialect }, nodes, task, {
            paths,
            broker: { url, redisPorts: [] },
          });
        return { "plain": await measure("trunkline"), "with history": await measure("history") };
      },
      paths,
      say,
      extent,
    );
    const rows = measured.flatMap(toHistoryRows);
    for (const row of rows) say(line(row));
    return { rows, faults: [...faults, ...historyFaults(rows)] };
  },
};

/** A row for the terminal. */
function line(row: HistoryRow): string {
  const { deliveriesPerSecond, ofPlain, window, p50Ms, p99Ms } = row;
  return `${nameOf(row)}, ${caseOf(row)}`.padEnd(60) +
    ` ${ranged(deliveriesPerSecond)} per second, ${times(ofPlain)} plain, window ${window.median}, ` +
    `p50 ${ranged(p50Ms)} ms, p99 ${ranged(p99Ms)} ms, delivered ${
      shareOf(row)
    }, nodes ${row.serversBusy.median} and load client ${row.loadClientBusy.median} busy`;
}
