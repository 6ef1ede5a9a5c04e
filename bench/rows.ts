/**
 * The results of a benchmark.
 *
 * @module
 */

import type { Counts } from "./load/server.ts";
import type { Bench } from "./benches.ts";
import type { Contender } from "./candidates.ts";
import type { Measurement } from "./measure.ts";
import { type Range, range, worstOf } from "./range.ts";

/** One server in one benchmark. */
export interface Row {
  readonly bench: string;
  readonly server: string;
  readonly runtime: string;
  /** `"trunkline"`, `"control"` or `"peer"`. */
  readonly peer: string;
  readonly repetitions: number;
  readonly deliveriesPerSecond: Range;
  readonly p50Ms?: Range;
  readonly p95Ms?: Range;
  readonly p99Ms?: Range;
  /** The number of the worst repetition. */
  readonly delivered: number;
  readonly expected: number;
  /** Whether a listener got every message once and in order, in every repetition; absent if the load does not check it. */
  readonly ordered?: boolean;
  /** Resident memory after the load, or with all connections open. */
  readonly rssMb: Range;
  /** The resident memory of one open connection. */
  readonly kbPerConnection?: Range;
  /** The number of messages that the server delivers in a second of its processor time. */
  readonly deliveriesPerCpuSecond: Range;
  /** How busy the load client was. Near 1, the figures show the load client's speed more than the server's. */
  readonly loadClientBusy: Range;
  /** The growth of the heap during the load. */
  readonly heapGrowthMb: Range;
  /** The server's counts after the load; all zero if nothing is left behind. */
  readonly stats?: Counts;
}

/** A file of results. */
export interface Results {
  readonly bench: string;
  readonly what: string;
  readonly date: string;
  readonly machine: string;
  /** How long the run took. */
  readonly seconds?: number;
  readonly rows: readonly Row[];
}

/** The share of the messages that arrived, and whether they came in order if all of them did. */
export function shareArrived({ delivered, expected, ordered }: Row): string {
  if (delivered !== expected) return `${(100 * delivered / expected).toFixed(1)} %`;
  return ordered === false ? "100 %, out of order" : "100 %";
}

/** Makes a row of the measurements. */
export function toRow({ name }: Bench, candidate: Contender, measured: readonly Measurement[]): Row {
  const worst = worstOf(measured);
  const over = (figure: (m: Measurement) => number) => range(measured.map(figure));
  const latency = (which: "p50" | "p95" | "p99") => over(({ latencies }) => latencies?.[which] ?? NaN);
  const { server, runtime, kind: peer } = candidate;
  return {
    bench: name,
    server,
    runtime,
    peer,
    repetitions: measured.length,
    deliveriesPerSecond: over(({ delivered, ms }) => delivered / ms * 1_000),
    ...(worst.latencies && { p50Ms: latency("p50"), p95Ms: latency("p95"), p99Ms: latency("p99") }),
    delivered: worst.delivered,
    expected: worst.expected,
    ...(worst.ordered !== undefined && { ordered: measured.every(({ ordered }) => ordered) }),
    rssMb: over(({ rssAfter }) => rssAfter / 1e6),
    ...(measured.every(({ open }) => open) && {
      kbPerConnection: over(({ open }) => (open!.all.rss - open!.first.rss) / open!.between / 1e3),
    }),
    deliveriesPerCpuSecond: over(({ delivered, cpuMs }) => delivered / cpuMs * 1_000),
    loadClientBusy: over(({ loadCpuMs, ms }) => loadCpuMs / ms),
    heapGrowthMb: over(({ heapAfter, heapBefore }) => (heapAfter - heapBefore) / 1e6),
    ...(worst.stats && { stats: worst.stats }),
  };
}
