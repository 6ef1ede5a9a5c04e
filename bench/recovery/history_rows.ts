/**
 * The results of the benchmark `history`, and the faults in them.
 *
 * @module
 */

import { clusterFaults, type CrossnodeRow, toCrossnodeRow } from "../cluster/rows.ts";
import type { CrossnodeOutcome } from "../load/crossnode.ts";
import { type Range, range } from "../range.ts";
import type { Case, MeasuredCase } from "./compare.ts";

/** The topic of a row. */
export type TopicKind = "plain" | "with history";

/** One run on each topic, one right after the other. */
export type HistoryPair = Readonly<Record<TopicKind, CrossnodeOutcome>>;

/** A row of one topic. */
export interface HistoryRow extends CrossnodeRow {
  readonly topic: TopicKind;
  /** The speed, divided by the plain topic's, in each pair of runs; 1 for the plain topic. */
  readonly ofPlain: Range;
  /** The same, per CPU second. */
  readonly ofPlainPerCpu: Range;
}

const speed = ({ delivered, ms }: CrossnodeOutcome): number => delivered / ms;
const perCpu = ({ delivered, cpuMs }: CrossnodeOutcome): number => delivered / cpuMs;

/** Makes the two rows of a case. */
export function toHistoryRows({ which, outcomes }: MeasuredCase<Case, HistoryPair>): HistoryRow[] {
  const ofPlain = (topic: TopicKind, figure: (outcome: CrossnodeOutcome) => number) =>
    range(outcomes.map((pair) => figure(pair[topic]) / figure(pair.plain)));
  return (["plain", "with history"] as const).map((topic) => ({
    ...toCrossnodeRow({ ...which, outcomes: outcomes.map((pair) => pair[topic]) }),
    bench: "history",
    topic,
    ofPlain: ofPlain(topic, speed),
    ofPlainPerCpu: ofPlain(topic, perCpu),
  }));
}

/** The faults. */
export const historyFaults = (rows: readonly HistoryRow[]): string[] =>
  clusterFaults(rows.map((row) => ({ ...row, adapter: `${row.adapter}, ${row.topic}` })));
