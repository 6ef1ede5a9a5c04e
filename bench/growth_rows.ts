/**
 * What the growth study leaves behind, and what of it is not as it must be.
 *
 * @module
 */

import type { Candidate } from "./candidates.ts";
import type { Level } from "./load/growth.ts";
import { type Range, range } from "./range.ts";
import { type Verdict, verdict } from "./reach.ts";

/** What grows. */
export type Kind = "connections" | "topics" | "idlers" | "elsewhere";

/** One level on one runtime. */
export interface GrowthRow {
  readonly grows: Kind;
  readonly server: string;
  readonly runtime: string;
  /** How many there are of what grows. */
  readonly size: number;
  /** `"burst"`, or `"alone"`: each publish when the one before has arrived everywhere. */
  readonly how: string;
  readonly deliveriesPerSecond: Range;
  readonly deliveriesPerCpuSecond: Range;
  /** The server's processor time for a publish, in microseconds. */
  readonly cpuUsPerPublish: Range;
  /** The server's resident memory, and what of it came since the first level began. */
  readonly rssMb: number;
  readonly rssGrownMb: number;
  readonly delivered: number;
  readonly expected: number;
  readonly ordered: boolean;
}

/** Processor times of equal work differ by less than this factor, caches and all. */
const TOLERANCE = 2;

/** Makes a row of what was measured. */
export function toGrowthRow(
  grows: Kind,
  { server, runtime }: Pick<Candidate, "server" | "runtime">,
  rssBefore: number,
  { size, how, rss, samples }: Level,
): GrowthRow {
  const over = (figure: (sample: Level["samples"][number]) => number) => range(samples.map(figure));
  const sum = (which: "delivered" | "expected") => samples.reduce((sum, sample) => sum + sample[which], 0);
  return {
    grows,
    server,
    runtime,
    size,
    how,
    deliveriesPerSecond: over(({ delivered, ms }) => delivered / ms * 1_000),
    deliveriesPerCpuSecond: over(({ delivered, cpuMs }) => delivered / cpuMs * 1_000),
    cpuUsPerPublish: over(({ cpuMs, published }) => cpuMs / published * 1_000),
    rssMb: Math.round(rss / 1e6),
    rssGrownMb: Math.round((rss - rssBefore) / 1e6),
    delivered: sum("delivered"),
    expected: sum("expected"),
    ordered: samples.every(({ ordered }) => ordered),
  };
}

/**
 * What is not as it must be: what was lost or came in disorder, and a publish that costs more because of others.
 *
 * @param all The rows; those of other servers are there to compare with.
 */
export function growthFaults(all: readonly GrowthRow[]): string[] {
  const rows = all.filter(({ server }) => server === "trunkline");
  const where = ({ grows, runtime, size, how }: GrowthRow) => `growth: ${grows} ${size} (${runtime}, ${how})`;
  const lost = rows.filter(({ delivered, expected, ordered }) => delivered < expected || !ordered)
    .map((row) => `${where(row)}: ${row.delivered} of ${row.expected}${row.ordered ? "" : ", not in order"}`);
  const dear = costs(rows).filter(({ factor }) => factor > TOLERANCE)
    .map(({ row, factor }) => `${where(row)}: a publish costs ${factor.toFixed(1)} × as much`);
  return [...lost, ...dear];
}

/** Judges what a publish costs with others who do not hear it, of what it costs without: the worst on each runtime. */
export function growthVerdicts(all: readonly GrowthRow[]): Verdict[] {
  const found = costs(all.filter(({ server }) => server === "trunkline"));
  return [...new Set(found.map(({ row }) => row.runtime))].map((runtime) => {
    const worst = Math.max(...found.filter(({ row }) => row.runtime === runtime).map(({ factor }) => factor));
    return verdict(
      `trunkline (${runtime}), a publish with up to 10,000 who do not hear it`,
      worst,
      { atMost: TOLERANCE },
      "× one without them",
    );
  });
}

/** How many times as much a publish costs with others as without. */
function costs(rows: readonly GrowthRow[]): { readonly row: GrowthRow; readonly factor: number }[] {
  return rows.filter(({ grows, size }) => (grows === "idlers" || grows === "elsewhere") && size > 0)
    .map((row) => {
      const none = rows.find((other) =>
        other.size === 0 && other.grows === row.grows && other.runtime === row.runtime &&
        other.how === row.how
      );
      // The least it took, so that a busy moment of the machine counts as little as possible.
      return { row, factor: row.cpuUsPerPublish.min / (none?.cpuUsPerPublish.median ?? NaN) };
    });
}
