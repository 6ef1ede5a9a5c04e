/**
 * Growth: speed, memory and cost with more connections, more topics, or more clients without a subscription. Clients that
 * do not subscribe must not make a publish cost more.
 *
 * @module
 */

import { type Candidate, candidates } from "./candidates.ts";
import { growthFaults, type GrowthRow, growthVerdicts, type Kind, toGrowthRow } from "./growth_rows.ts";
import type { Growth } from "./load/growth.ts";
import { plotLines } from "./line_plot.ts";
import { underLoad } from "./measure.ts";
import type { Range } from "./range.ts";
import type { Study } from "./study.ts";
import { short } from "./svg.ts";

const SIZES: Readonly<Record<Kind, readonly number[]>> = {
  connections: [10, 100, 1_000, 10_000],
  topics: [1, 10, 100, 1_000, 10_000],
  idlers: [0, 100, 1_000, 10_000],
  elsewhere: [0, 100, 1_000, 10_000],
};
/** A bare server to compare with where connections are idle. It sends one message per frame. */
const CONTROL: Candidate = {
  server: "bare",
  runtime: "deno",
  kind: "control",
  file: "deno_topic.ts",
  dialect: "topics",
};
const DELIVERIES = 100_000;
const COLOURS: Readonly<Record<string, string>> = { deno: "#2f7de1", bun: "#d08a3c" };
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
  const ours = rows.filter(({ server }) => server === "trunkline");
  const runtimes = [...new Set(ours.map(({ runtime }) => runtime))];
  /** A line per runtime. */
  const lines = (kind: Kind, figure: (row: GrowthRow) => number, how = "burst") =>
    runtimes.map((runtime) => ({
      name: runtime,
      colour: COLOURS[runtime]!,
      points: ours.filter((row) => row.grows === kind && row.runtime === runtime && row.how === how)
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
    "All connections subscribe to one topic, and there are more and more of them. With few connections the server spends " +
    "most of its time on reading the published messages, with many on sending them.",
    "![Deliveries by connections](results/growth-connections.svg)",
    table(
      of("connections"),
      "runtime | connections | per second: median (range) | per CPU second | memory, MB",
      speed,
    ),
    "There are more and more topics. The publishers publish to each in turn, and each has ten subscribers among the same " +
    "1,000 connections. With more topics each connection gets less of a burst, so the server can send less together.",
    "![Deliveries by topics](results/growth-topics.svg)",
    table(of("topics"), "runtime | topics | per second: median (range) | per CPU second | memory, MB", speed),
    "One topic has ten subscribers, and there are more and more other connections that do not subscribe to it. They must not " +
    "make a publish cost more, neither in a burst nor alone (alone: each publish waits until the one before has arrived " +
    "everywhere). Bare Deno is a loop of sends without validation, with one frame per message.",
    "![Cost by connections that do not subscribe](results/growth-cost.svg)",
    table(
      bursts,
      "runtime | others | they are | server | CPU µs per publish in a burst: median (range) | alone | memory, MB",
      (row) => {
        const alone = rows.find((other) =>
          other.how === "alone" && other.grows === row.grows && other.server === row.server &&
          other.runtime === row.runtime && other.size === row.size
        );
        return `${others[row.grows]} | ${row.server === "trunkline" ? "**trunkline**" : row.server} | ${
          ranged(row.cpuUsPerPublish)
        } | ${alone ? ranged(alone.cpuUsPerPublish) : "–"} | ${row.rssMb}`;
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
  reach: growthVerdicts,
  async run(paths, say) {
    const rows: GrowthRow[] = [];
    const ours = candidates.filter(({ kind }) => kind === "trunkline");
    for (const candidate of [...ours, CONTROL]) {
      if (!paths[candidate.runtime]) continue;
      const kinds: readonly Kind[] = candidate === CONTROL ? ["idlers"] : Object.keys(SIZES) as Kind[];
      for (const shape of kinds) {
        const order = { shape, sizes: SIZES[shape], deliveries: DELIVERIES };
        const { rssBefore, levels } = await underLoad<Growth>(
          { ...candidate, dialect: "topics" },
          order,
          paths,
        );
        for (const level of levels) {
          const row = toGrowthRow(shape, candidate, rssBefore, level);
          rows.push(row);
          say(
            `${row.server} ${shape} ${row.size} (${row.runtime}, ${row.how}) ${
              ranged(row.deliveriesPerSecond)
            } per second, ${ranged(row.cpuUsPerPublish)} CPU µs per publish, ${row.rssMb} MB`,
          );
        }
      }
    }
    return { rows, faults: growthFaults(rows) };
  },
};
