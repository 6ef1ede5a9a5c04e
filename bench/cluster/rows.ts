/**
 * The results of the cluster benchmarks, and the faults in them.
 *
 * @module
 */

import type { ClusterOutcome } from "../load/cluster.ts";
import type { CrossnodeOutcome } from "../load/crossnode.ts";
import type { InterestOutcome } from "../load/interest.ts";
import { type Range, range, worstOf } from "../range.ts";
import { type Measured, nameOf } from "./compare.ts";

/** The common part of all rows. */
export interface ClusterRow {
  readonly bench: string;
  readonly server: string;
  readonly runtime: string;
  /** `"trunkline"` or `"peer"`. */
  readonly peer: string;
  readonly adapter: string;
  readonly nodes: number;
  readonly repetitions: number;
  readonly deliveriesPerSecond: Range;
  /** The number of messages delivered per second of all nodes' processor time. */
  readonly deliveriesPerCpuSecond: Range;
  /** The mean number of messages in a frame to a client. */
  readonly messagesPerFrame: Range;
  /** The share of the time in which the nodes together, and the load client, worked. */
  readonly serversBusy: Range;
  readonly loadClientBusy: Range;
  /** Of the worst repetition. */
  readonly delivered: number;
  readonly expected: number;
  /** Whether every listener that checks the order got everything once and in order, in every repetition. */
  readonly ordered: boolean;
  /** Resident memory of the largest node after the load. */
  readonly rssMb: Range;
}

/** A row of `crossnode`. */
export interface CrossnodeRow extends ClusterRow {
  /** The window: how many messages could be on their way. */
  readonly window: Range;
  /** Latencies at the steady rate. */
  readonly p50Ms: Range;
  readonly p95Ms: Range;
  readonly p99Ms: Range;
}

/** A row of `interest`. */
export interface InterestRow extends ClusterRow {
  /** How many messages were published. */
  readonly published: number;
  /** How many messages the backplane carried to nodes with a subscriber, and to nodes without; of the worst repetition. */
  readonly wanted: number;
  readonly unwanted: number;
  /** The bytes that Redis sent; absent for other brokers. */
  readonly redisMb?: Range;
  /** The processor time of all nodes for one publish, in microseconds. */
  readonly cpuUsPerPublish: Range;
}

function common<Outcome extends ClusterOutcome>(
  bench: string,
  { candidate, nodes, outcomes }: Measured<Outcome>,
): ClusterRow {
  const over = (figure: (outcome: Outcome) => number) => range(outcomes.map(figure));
  const worst = worstOf(outcomes);
  const { server, runtime, kind: peer, adapter } = candidate;
  return {
    bench,
    server,
    runtime,
    peer,
    adapter,
    nodes,
    repetitions: outcomes.length,
    deliveriesPerSecond: over(({ delivered, ms }) => delivered / ms * 1_000),
    deliveriesPerCpuSecond: over(({ delivered, cpuMs }) => delivered / cpuMs * 1_000),
    messagesPerFrame: over(({ delivered, frames }) => delivered / frames),
    serversBusy: over(({ cpuMs, ms }) => cpuMs / ms),
    loadClientBusy: over(({ loadCpuMs, ms }) => loadCpuMs / ms),
    delivered: worst.delivered,
    expected: worst.expected,
    ordered: outcomes.every(({ ordered }) => ordered === true),
    rssMb: over(({ rss }) => Math.max(...rss) / 1e6),
  };
}

/** Makes a row of `crossnode`. Messages at full speed and at the steady rate both count as delivered. */
export function toCrossnodeRow(measured: Measured<CrossnodeOutcome>): CrossnodeRow {
  const { outcomes } = measured;
  const latency = (which: "p50" | "p95" | "p99") =>
    range(outcomes.map(({ latencies }) => latencies?.[which] ?? NaN));
  const all = outcomes.map(({ delivered, expected, paced }) => ({
    delivered: delivered + paced.delivered,
    expected: expected + paced.expected,
  }));
  return {
    ...common("crossnode", measured),
    ...all.reduce((a, b) => (a.delivered / a.expected < b.delivered / b.expected ? a : b)),
    window: range(outcomes.map(({ window }) => window)),
    p50Ms: latency("p50"),
    p95Ms: latency("p95"),
    p99Ms: latency("p99"),
  };
}

/** Makes a row of `interest`. */
export function toInterestRow(measured: Measured<InterestOutcome>): InterestRow {
  const { outcomes } = measured;
  const { published, wanted, unwanted } = outcomes.reduce((a, b) => (a.unwanted > b.unwanted ? a : b));
  const sent = outcomes.flatMap(({ redisBytes }) => redisBytes === undefined ? [] : [redisBytes / 1e6]);
  return {
    ...common("interest", measured),
    published,
    wanted,
    unwanted,
    ...(sent.length > 0 && { redisMb: range(sent) }),
    cpuUsPerPublish: range(outcomes.map(({ cpuMs, published }) => cpuMs / published * 1_000)),
  };
}

/** The faults of Trunkline: lost or disordered messages, and messages to nodes without a subscriber. */
export function clusterFaults(rows: readonly (ClusterRow & Partial<InterestRow>)[]): string[] {
  return rows.filter(({ peer }) => peer === "trunkline").flatMap((row) => {
    const { bench, nodes, delivered, expected, ordered, unwanted = 0 } = row;
    const where = `${bench}: ${nameOf(row)}, ${nodes} nodes`;
    return [
      ...(delivered === expected ? [] : [`${where}: ${delivered} of ${expected}`]),
      ...(ordered ? [] : [`${where}: not in order, or not once`]),
      ...(unwanted === 0 ? [] : [`${where}: ${unwanted} messages came to nodes without interest`]),
    ];
  });
}
