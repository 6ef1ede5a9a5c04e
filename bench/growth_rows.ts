/**
 * The results of the growth study, and the faults in them.
 *
 * @module
 */

import type { Candidate } from "./candidates.ts";
import type { Level } from "./load/growth.ts";
import { type Range, range } from "./range.ts";
import { type Verdict, verdict } from "./reach.ts";

/** The number that grows. */
export type Kind = "connections" | "topics" | "idlers" | "elsewhere";

/** One level on one runtime. */
export interface GrowthRow {
  readonly grows: Kind;
  readonly server: string;
  readonly runtime: string;
  /** The number that grows, at this level. */
  readonly size: number;
  /** `"burst"`, or `"alone"`: each publish waits until the one before has arrived everywhere. */
  readonly how: string;
  readonly deliveriesPerSecond: Range;
  readonly deliveriesPerCpuSecond: Range;
  /** The server's processor time for a publish, in microseconds. */
  readonly cpuUsPerPublish: Range;
  /** The server's resident memory, and its growth since the first level began. */
  readonly rssMb: number;
  readonly rssGrownMb: number;
  readonly delivered: number;
  readonly expected: number;
  readonly ordered: boolean;
}

/** Processor times of equal work differ by less than this factor, also because of caches. */
const TOLERANCE = 2;

/** Makes a row of the measurements. */
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
 * Lists the faults: lost or disordered messages, and publishes that cost more because of clients without a subscription.
 *
 * @param all The rows; the figures of other servers are only for comparison.
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

/** Compares the cost of a publish with and without clients that do not subscribe: the worst ratio on each runtime. */
export function growthVerdicts(all: readonly GrowthRow[]): Verdict[] {
  const found = costs(all.filter(({ server }) => server === "trunkline"));
  return [...new Set(found.map(({ row }) => row.runtime))].map((runtime) => {
    const worst = Math.max(...found.filter(({ row }) => row.runtime === runtime).map(({ factor }) => factor));
    return verdict(
      `trunkline (${runtime}), a publish with up to 10,000 clients that do not subscribe`,
      worst,
      { atMost: TOLERANCE },
      "× a publish without those clients",
    );
  });
}

/** The cost of a publish with clients that do not subscribe, divided by its cost without them. */
function costs(rows: readonly GrowthRow[]): { readonly row: GrowthRow; readonly factor: number }[] {
  return rows.filter(({ grows, size }) => (grows === "idlers" || grows === "elsewhere") && size > 0)
    .map((row) => {
      const none = rows.find((other) =>
        other.size === 0 && other.grows === row.grows && other.runtime === row.runtime &&
        other.how === row.how
      );
      // The minimum, so that a busy moment of the machine counts as little as possible.
      return { row, factor: row.cpuUsPerPublish.min / (none?.cpuUsPerPublish.median ?? NaN) };
    });
}
