/**
 * The results of the benchmark of cut links, and the faults in them.
 *
 * @module
 */

import { nameOf } from "../cluster/compare.ts";
import type { Judgement, Spread } from "../load/recovery/ledger.ts";
import { type Range, range, worstOf } from "../range.ts";
import { type Verdict, verdict } from "../reach.ts";
import { type Case, type MeasuredCase, type RecoveryRow, whoIs } from "./compare.ts";
import type { Fate } from "./measure.ts";

/** What happens to the last of several nodes. */
export type FateName = "lives" | "killed" | "killed and restarted";

/** A case of this benchmark. */
export interface DropsCase extends Case {
  readonly fate: FateName;
  readonly when?: Fate;
}

/** Percentiles and the maximum, each over all repetitions, in milliseconds. */
export interface Times {
  readonly p50: Range;
  readonly p99: Range;
  readonly max: Range;
}

/** A row. Counts come from the worst repetition. */
export interface DropsRow extends RecoveryRow {
  readonly fate: FateName;
  readonly delivered: number;
  readonly expected: number;
  readonly duplicates: number;
  readonly disordered: number;
  readonly falseClaims: number;
  readonly silentlyLost: number;
  readonly neverBack: number;
  /** How many outages there were, in all repetitions. */
  readonly outages: number;
  readonly latencyMs: Times;
  /** Absent if the server replays nothing. */
  readonly replayMs?: Times;
  readonly awayMs: Times;
}

function times(spreads: readonly Spread[]): Times | undefined {
  const known = spreads.filter(({ max }) => Number.isFinite(max)); // JSON turns a value that is not a number into null
  if (known.length === 0) return undefined;
  return {
    p50: range(known.map(({ p50 }) => p50)),
    p99: range(known.map(({ p99 }) => p99)),
    max: range(known.map(({ max }) => max)),
  };
}

const NONE: Range = { median: 0, min: 0, max: 0 };
const NO_TIMES: Times = { p50: NONE, p99: NONE, max: NONE };

/** Makes a row. */
export function toDropsRow(measured: MeasuredCase<DropsCase, Judgement>): DropsRow {
  const { which, outcomes } = measured;
  const most = (figure: (outcome: Judgement) => number) => Math.max(...outcomes.map(figure));
  const { delivered, expected } = worstOf(outcomes);
  const replayMs = times(outcomes.map(({ replay }) => replay));
  return {
    ...whoIs(measured),
    fate: which.fate,
    delivered,
    expected,
    duplicates: most(({ duplicates }) => duplicates),
    disordered: most(({ disordered }) => disordered),
    falseClaims: most(({ falseClaims }) => falseClaims),
    silentlyLost: most(({ silentlyLost }) => silentlyLost),
    neverBack: most(({ neverBack }) => neverBack),
    outages: outcomes.reduce((sum, { outages }) => sum + outages, 0),
    latencyMs: times(outcomes.map(({ latency }) => latency)) ?? NO_TIMES,
    ...(replayMs && { replayMs }),
    awayMs: times(outcomes.map(({ away }) => away)) ?? NO_TIMES,
  };
}

const isOurs = ({ peer }: DropsRow): boolean => peer === "trunkline";

/** The server of a row, and its case. */
export const caseOf = (row: DropsRow): string =>
  `${nameOf(row)}, ${row.nodes} node${row.nodes > 1 ? "s" : ""}${
    row.fate === "lives" ? "" : `, one ${row.fate}`
  }`;

/** The limit of a replay, in milliseconds. */
const MOST_REPLAY_MS = 4_000;

/** Compares our rows with their targets, and with the peers that replay, with the same number of nodes and the same fate. */
export function dropsVerdicts(rows: readonly DropsRow[]): Verdict[] {
  return rows.filter(isOurs).flatMap((row) => {
    const name = caseOf(row);
    const replay = row.replayMs?.p99.median ?? NaN;
    const others = rows.filter((other) =>
      other.peer === "peer" && other.nodes === row.nodes && other.fate === row.fate
    ).flatMap(({ replayMs }) => replayMs ? [replayMs.p99.median] : []);
    return [
      verdict(name, row.expected - row.delivered, { atMost: 0 }, "messages lost"),
      verdict(name, row.duplicates, { atMost: 0 }, "duplicates"),
      verdict(name, row.falseClaims, { atMost: 0 }, "false claims of recovery"),
      verdict(name, replay, { atMost: MOST_REPLAY_MS }, "ms, p99 of replays"),
      ...(others.length > 0
        ? [verdict(name, replay / Math.min(...others), { atMost: 1 }, "× the fastest peer's p99 of replays")]
        : []),
    ];
  });
}

/** The faults of Trunkline. */
export function dropsFaults(rows: readonly DropsRow[]): string[] {
  return rows.filter(isOurs).flatMap((row) => {
    const { delivered, expected, duplicates, disordered, falseClaims } = row;
    const where = `drops: ${caseOf(row)}`;
    return [
      ...(delivered === expected ? [] : [`${where}: ${delivered} of ${expected}`]),
      ...(duplicates === 0 ? [] : [`${where}: ${duplicates} came twice`]),
      ...(disordered === 0 ? [] : [`${where}: ${disordered} came out of order`]),
      ...(falseClaims === 0
        ? []
        : [`${where}: ${falseClaims} times a client was told that it recovered, and had not`]),
    ];
  });
}
