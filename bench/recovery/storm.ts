/**
 * Storm: all clients of a killed node reconnect to the others at once.
 *
 * @module
 */

import { nameOf } from "../cluster/compare.ts";
import { plotBars } from "../plot.ts";
import { type Range, range } from "../range.ts";
import { type Verdict, verdict } from "../reach.ts";
import type { Study } from "../study.ts";
import { recoveryCandidates } from "./candidates.ts";
import { type Case, compareRecovery, type MeasuredCase, type RecoveryRow, whoIs } from "./compare.ts";
import { type MeasuredStorm, measureStorm } from "./measure.ts";
import { recoveryTable } from "./table.ts";

const NODES = 2;
const SIZES = [5_000, 10_000];
const PATIENCE_MS = 60_000;
const QUICK_SIZES = [200];

interface StormCase extends Case {
  readonly clients: number;
}

/** A row. Counts are those of the worst repetition; times are in milliseconds. */
export interface StormRow extends RecoveryRow {
  readonly clients: number;
  /** How many clients did not come back, or got no messages any more. */
  readonly lost: number;
  readonly p50Ms: Range;
  readonly p95Ms: Range;
  /** The time until the last client was back. Clients that never came back do not count. */
  readonly allMs: Range;
  /** How long clients that stayed waited for an answer meanwhile. */
  readonly stayedP99Ms: Range;
  /** How many of their requests got no answer. */
  readonly failed: number;
  /** The result for the messages that were published meanwhile and afterwards. */
  readonly delivered: number;
  readonly expected: number;
  readonly duplicates: number;
  readonly falseClaims: number;
}

/** Makes a row. */
export function toStormRow(measured: MeasuredCase<StormCase, MeasuredStorm>): StormRow {
  const { which: { clients }, outcomes } = measured;
  const over = (figure: (outcome: MeasuredStorm) => number) => range(outcomes.map(figure));
  const most = (figure: (outcome: MeasuredStorm) => number) => Math.max(...outcomes.map(figure));
  const { delivered, expected } = outcomes.map(({ messages }) => messages)
    .reduce((a, b) => a.delivered / a.expected <= b.delivered / b.expected ? a : b);
  return {
    ...whoIs(measured),
    clients,
    lost: most(({ lost }) => lost),
    p50Ms: over(({ back }) => back.p50),
    p95Ms: over(({ back }) => back.p95),
    allMs: over(({ back }) => back.max),
    stayedP99Ms: over(({ stayed }) => stayed.latency.p99),
    failed: most(({ stayed }) => stayed.failed),
    delivered,
    expected,
    duplicates: most(({ messages }) => messages.duplicates),
    falseClaims: most(({ messages }) => messages.falseClaims),
  };
}

const isOurs = ({ peer }: StormRow): boolean => peer === "trunkline";
const caseOf = (row: StormRow): string => `${nameOf(row)}, ${row.clients.toLocaleString("en")} clients`;

/** The target: 95 of 100 clients are back within so many milliseconds, in the row with so many clients. */
const MOST_MS = 3_000;
const JUDGED = 5_000;

/** Compares rows with their targets. */
export function stormVerdicts(rows: readonly StormRow[]): Verdict[] {
  return rows.filter(isOurs).flatMap((row) => [
    verdict(caseOf(row), row.lost, { atMost: 0 }, "clients lost"),
    ...(row.clients === JUDGED
      ? [verdict(caseOf(row), row.p95Ms.median, { atMost: MOST_MS }, "ms until back, p95")]
      : []),
  ]);
}

/** The faults of Trunkline. */
export function stormFaults(rows: readonly StormRow[]): string[] {
  return rows.filter(isOurs).flatMap((row) => {
    const where = `storm: ${caseOf(row)}`;
    return [
      ...(row.lost === 0 ? [] : [`${where}: ${row.lost} did not come back`]),
      ...(row.delivered === row.expected ? [] : [`${where}: ${row.delivered} of ${row.expected} messages`]),
      ...(row.duplicates === 0 ? [] : [`${where}: ${row.duplicates} came twice`]),
      ...(row.falseClaims === 0
        ? []
        : [`${where}: ${row.falseClaims} times a client was told that it recovered, and had not`]),
    ];
  });
}

const whole = ({ median, min, max }: Range): string =>
  `${Math.round(median).toLocaleString("en")} (${Math.round(min).toLocaleString("en")}–${
    Math.round(max).toLocaleString("en")
  })`;

function report(rows: readonly StormRow[]) {
  const text = [
    `${NODES} nodes, and clients with a token. Each client has a topic of its own and has received a message of it. All clients are on one node, which is killed. ` +
    "They reconnect to the other node by themselves, with the default settings of each library's client. That node looks up each client's identity, which takes 1 ms. Every tenth client has missed a " +
    "message: it is published right after the node's death. **Back** counts the time from the first loss of a link until a client is live again. **Lost** counts clients that are not live " +
    `within ${
      PATIENCE_MS / 1_000
    } s, or do not get a last message that is published then. Meanwhile 50 clients of the other node send requests to it, each four times a second.`,
    "All clients run in one process, which shares one processor with the broker: with 10,000 clients it is as busy as the node.",
    "![Until 95 of 100 were back](results/storm.svg)",
    recoveryTable(
      rows,
      [
        "clients",
        "back, ms: p50",
        "p95",
        "all",
        "lost",
        "messages",
        "twice",
        "falsely recovered",
        "clients that stayed: p99, ms",
      ],
      (row) => [
        row.clients.toLocaleString("en"),
        whole(row.p50Ms),
        whole(row.p95Ms),
        whole(row.allMs),
        row.lost,
        `${row.delivered.toLocaleString("en")} of ${row.expected.toLocaleString("en")}`,
        row.duplicates,
        row.falseClaims,
        whole(row.stayedP99Ms),
      ],
    ),
  ].join("\n\n");
  const drawings = {
    storm: plotBars(
      "Until 95 of 100 clients are back, ms",
      "Milliseconds until 95 of 100 clients of a killed node were back",
      rows.map((row) => ({ name: caseOf(row), peer: row.peer, figure: row.p95Ms })),
    ),
  };
  return { text, drawings };
}

/** The study. */
export const storm: Study<readonly StormRow[]> = {
  name: "storm",
  what: `the clients of a killed node, up to ${
    SIZES.at(-1)!.toLocaleString("en")
  }, reconnect to another node`,
  canBeQuick: true,
  withinS: 120,
  report,
  reach: stormVerdicts,
  async run(paths, say, { quick, ...extent }) {
    const sizes = quick ? QUICK_SIZES : SIZES;
    const { measured, faults } = await compareRecovery(
      "storm",
      recoveryCandidates.filter(({ broker }) => broker === "redis")
        .flatMap((candidate) => sizes.map((clients): StormCase => ({ candidate, nodes: NODES, clients }))),
      ({ candidate, nodes, clients }, scene) =>
        measureStorm(candidate, nodes, { clients, patienceMs: PATIENCE_MS }, scene),
      paths,
      say,
      extent,
    );
    const rows = measured.map(toStormRow);
    for (const row of rows) {
      say(
        `${caseOf(row).padEnd(60)} back ${whole(row.p50Ms)} / ${whole(row.p95Ms)} / ${
          whole(row.allMs)
        } ms, ` +
          `${row.lost} lost, ${row.delivered} of ${row.expected} messages, ${row.duplicates} twice, ` +
          `${row.falseClaims} falsely recovered, clients that stayed ${whole(row.stayedP99Ms)} ms`,
      );
    }
    return { rows, faults: [...faults, ...stormFaults(rows)] };
  },
};
