/**
 * Growth: what becomes of speed, memory and cost when there are more connections, more topics, or more who are not
 * concerned. A publish must not cost more because of those who do not subscribe.
 *
 * @module
 */

import { candidates } from "./candidates.ts";
import type { Growth, Level } from "./load/growth.ts";
import { plotLines } from "./line_plot.ts";
import { underLoad } from "./measure.ts";
import { type Range, range } from "./rows.ts";
import type { Study } from "./study.ts";
import { short } from "./svg.ts";

/** What grows. */
type Kind = "connections" | "topics" | "idlers" | "elsewhere";

/** One level on one runtime. */
export interface GrowthRow {
  readonly grows: Kind;
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

const SIZES: Readonly<Record<Kind, readonly number[]>> = {
  connections: [10, 100, 1_000, 10_000],
  topics: [1, 10, 100, 1_000, 10_000],
  idlers: [0, 100, 1_000, 10_000],
  elsewhere: [0, 100, 1_000, 10_000],
};
const DELIVERIES = 100_000;
const COLOURS: Readonly<Record<string, string>> = { deno: "#2f7de1", bun: "#d08a3c" };
/** Processor times of equal work differ by less than this factor, caches and all. */
const TOLERANCE = 2;

function toRow(
  grows: Kind,
  runtime: string,
  rssBefore: number,
  { size, how, rss, samples }: Level,
): GrowthRow {
  const over = (figure: (sample: Level["samples"][number]) => number) => range(samples.map(figure));
  const sum = (which: "delivered" | "expected") => samples.reduce((sum, sample) => sum + sample[which], 0);
  return {
    grows,
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
 * @param rows The rows.
 */
export function growthFaults(rows: readonly GrowthRow[]): string[] {
  const where = ({ grows, runtime, size, how }: GrowthRow) => `growth: ${grows} ${size} (${runtime}, ${how})`;
  const lost = rows.filter(({ delivered, expected, ordered }) => delivered < expected || !ordered)
    .map((row) => `${where(row)}: ${row.delivered} of ${row.expected}${row.ordered ? "" : ", not in order"}`);
  const dear = rows.filter(({ grows, size }) => (grows === "idlers" || grows === "elsewhere") && size > 0)
    .flatMap((row) => {
      const none = rows.find((other) =>
        other.size === 0 && other.grows === row.grows && other.runtime === row.runtime &&
        other.how === row.how
      );
      // The least it took, so that a busy moment of the machine counts as little as possible.
      const factor = row.cpuUsPerPublish.min / (none?.cpuUsPerPublish.median ?? NaN);
      return factor > TOLERANCE ? [`${where(row)}: a publish costs ${factor.toFixed(1)} × as much`] : [];
    });
  return [...lost, ...dear];
}

function table(rows: readonly GrowthRow[], head: string, figures: (row: GrowthRow) => string): string {
  return [
    `| ${head} |`,
    `|${"---|".repeat(head.split("|").length)}`,
    ...rows.map((row) => `| ${row.runtime} | ${row.size.toLocaleString("en")} | ${figures(row)} |`),
  ].join("\n");
}

const ranged = ({ median, min, max }: Range): string => `${short(median)} (${short(min)}–${short(max)})`;

function report(rows: readonly GrowthRow[]) {
  const of = (...kinds: Kind[]) => rows.filter(({ grows }) => kinds.includes(grows));
  const runtimes = [...new Set(rows.map(({ runtime }) => runtime))];
  /** A line per runtime. */
  const lines = (kind: Kind, figure: (row: GrowthRow) => number, how = "burst") =>
    runtimes.map((runtime) => ({
      name: runtime,
      colour: COLOURS[runtime]!,
      points: of(kind).filter((row) => row.runtime === runtime && row.how === how)
        .map((row) => [row.size, figure(row)] as const),
    }));
  const perSecond = ({ deliveriesPerSecond }: GrowthRow) => deliveriesPerSecond.median;
  const cost = ({ cpuUsPerPublish }: GrowthRow) => cpuUsPerPublish.median;
  const speed = (row: GrowthRow) =>
    `${ranged(row.deliveriesPerSecond)} | ${ranged(row.deliveriesPerCpuSecond)} | ${row.rssMb}`;
  const drawings = {
    "growth-connections": plotLines(
      "Deliveries per second, by connections",
      lines("connections", perSecond),
    ),
    "growth-topics": plotLines("Deliveries per second, by topics", lines("topics", perSecond)),
    "growth-cost": plotLines("Processor time of a publish in µs, by connections that do not subscribe", [
      ...lines("idlers", cost).map((line) => ({ ...line, name: `${line.name}, idle` })),
      ...lines("elsewhere", cost).map((line) => ({ ...line, name: `${line.name}, elsewhere`, dashed: true })),
    ]),
  };
  const others: Readonly<Record<string, string>> = { idlers: "idle", elsewhere: "subscribed elsewhere" };
  const bursts = of("idlers", "elsewhere").filter(({ how }) => how === "burst");
  const text = [
    "More connections, all of which hear one topic. With few of them most of the work is reading what is " +
    "published, with many it is sending it.",
    "![Deliveries by connections](results/growth-connections.svg)",
    table(
      of("connections"),
      "runtime | connections | per second: median (range) | per CPU second | memory, MB",
      speed,
    ),
    "More topics, published to in turn, each with ten subscribers among the same 1,000 connections.",
    "![Deliveries by topics](results/growth-topics.svg)",
    table(of("topics"), "runtime | topics | per second: median (range) | per CPU second | memory, MB", speed),
    "More connections that do not subscribe to the topic that is published to, which has ten subscribers. A publish " +
    "must not cost more for them, neither in a burst nor alone (each when the one before has arrived everywhere).",
    "![Cost by connections that do not subscribe](results/growth-cost.svg)",
    table(
      bursts,
      "runtime | others | they are | CPU µs per publish in a burst: median (range) | alone | memory, MB",
      (row) => {
        const alone = rows.find((other) =>
          other.how === "alone" && other.grows === row.grows && other.runtime === row.runtime &&
          other.size === row.size
        );
        return `${others[row.grows]} | ${ranged(row.cpuUsPerPublish)} | ${
          alone ? ranged(alone.cpuUsPerPublish) : "–"
        } | ${row.rssMb}`;
      },
    ),
  ].join("\n\n");
  return { text, drawings };
}

/** The study. */
export const growth: Study<readonly GrowthRow[]> = {
  name: "growth",
  what: "speed, memory and cost as connections and topics grow",
  report,
  async run(paths, say) {
    const rows: GrowthRow[] = [];
    for (const candidate of candidates.filter(({ kind }) => kind === "trunkline")) {
      if (!paths[candidate.runtime]) continue;
      for (const shape of Object.keys(SIZES) as Kind[]) {
        const order = { shape, sizes: SIZES[shape], deliveries: DELIVERIES };
        const { rssBefore, levels } = await underLoad<Growth>(
          { ...candidate, dialect: "topics" },
          order,
          paths,
        );
        for (const level of levels) {
          const row = toRow(shape, candidate.runtime, rssBefore, level);
          rows.push(row);
          say(
            `${shape} ${row.size} (${row.runtime}, ${row.how}) ${
              ranged(row.deliveriesPerSecond)
            } per second, ${ranged(row.cpuUsPerPublish)} CPU µs per publish, ${row.rssMb} MB`,
          );
        }
      }
    }
    return { rows, faults: growthFaults(rows) };
  },
};
