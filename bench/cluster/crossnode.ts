/**
 * Crossnode: what is published on one node, and heard on the others, over every adapter.
 *
 * @module
 */

import type { CrossnodeOutcome } from "../load/crossnode.ts";
import { plotBars } from "../plot.ts";
import { type Verdict, verdict } from "../reach.ts";
import type { Study } from "../study.ts";
import { compare, nameOf } from "./compare.ts";
import type { ClusterTask } from "./measure.ts";
import { clusterFaults, type CrossnodeRow, toCrossnodeRow } from "./rows.ts";
import { ranged, shareOf, tableOf } from "./table.ts";

const SUBSCRIBERS = 200;
const WINDOWS = [32, 128, 512, 2_048];
const RATE = 100;
const SIZES = [2, 4];

const task: ClusterTask = {
  shape: "crossnode",
  speakers: 4,
  windows: WINDOWS,
  tryMs: 250,
  subscribers: SUBSCRIBERS,
  forMs: 1_000,
  paced: { rate: RATE, forMs: 800 },
};
/** What a quick look does. */
export const quickCrossnode: ClusterTask = {
  ...task,
  windows: [128],
  tryMs: 100,
  subscribers: 40,
  forMs: 300,
  paced: { rate: RATE, forMs: 200 },
};

/** How Trunkline compares: over Redis with the peers, and its other adapters with Redis. */
function ratios(rows: readonly CrossnodeRow[]): string {
  const speed = ({ deliveriesPerSecond: { median } }: CrossnodeRow) => median;
  const ours = rows.filter(({ peer }) => peer === "trunkline");
  return ours.filter(({ adapter }) => adapter === "redis").map((row) => {
    const same = rows.filter((other) => other !== row && other.nodes === row.nodes);
    const peers = same.filter(({ peer }) => peer !== "trunkline")
      .map((other) => `${(speed(row) / speed(other)).toPrecision(2)} × ${nameOf(other)}`);
    const others = same.filter((other) => ours.includes(other) && other.runtime === row.runtime)
      .map((other) => `${other.adapter} has ${(speed(other) / speed(row)).toPrecision(2)} × of that`);
    return `- ${row.nodes} nodes, trunkline, redis (${row.runtime}): ${[...peers, ...others].join(", ")}`;
  }).join("\n");
}

/** Over Redis with the peers, and with what the other adapters do. */
function reach(rows: readonly CrossnodeRow[]): Verdict[] {
  const speed = ({ deliveriesPerSecond: { median } }: CrossnodeRow) => median;
  const fastest = (others: readonly CrossnodeRow[]) => Math.max(...others.map(speed));
  return rows.filter(({ peer, adapter }) => peer === "trunkline" && adapter === "redis").flatMap((row) => {
    const { nodes, runtime } = row;
    const what = `${nameOf(row)}, ${nodes} nodes`;
    const same = rows.filter((other) => other.nodes === nodes);
    const socketIo = same.filter(({ adapter }) => adapter === "redis-adapter");
    const crossws = same.filter(({ server }) => server === "crossws");
    const ours = same.filter((other) => other.peer === "trunkline" && other.runtime === runtime);
    return [
      verdict(what, speed(row) / fastest(socketIo), { atLeast: 10 }, "× Socket.IO's redis-adapter"),
      verdict(what, speed(row) / fastest(crossws), { atLeast: 3 }, "× the fastest crossws"),
      verdict(
        what,
        speed(row) / Math.min(...ours.map(speed)),
        { atMost: 3 },
        "× the slowest of our adapters",
      ),
    ];
  });
}

/** Our adapters beside each other, for whoever chooses one. */
function ourAdapters(rows: readonly CrossnodeRow[]): string {
  const ours = rows.filter(({ peer }) => peer === "trunkline");
  const columns = [...new Set(ours.map(({ nodes, runtime }) => `${nodes} nodes, ${runtime}`))].sort();
  const lines = [...new Set(ours.map(({ adapter }) => adapter))].map((adapter) => {
    const cells = columns.map((column) => {
      const row = ours.find((row) =>
        row.adapter === adapter && `${row.nodes} nodes, ${row.runtime}` === column
      );
      return row ? ranged(row.deliveriesPerSecond) : "–";
    });
    return `| ${[adapter, ...cells].join(" | ")} |`;
  });
  return [
    `| adapter | ${columns.join(" | ")} |`,
    `|---|${"---|".repeat(columns.length)}`,
    ...lines,
    "",
    `Deliveries per second, median (range) of ${ours[0]?.repetitions ?? 0} runs.`,
  ].join("\n");
}

function report(rows: readonly CrossnodeRow[]) {
  const sizes = [...new Set(rows.map(({ nodes }) => nodes))];
  const drawings = Object.fromEntries(sizes.map((nodes) => [
    `crossnode-${nodes}`,
    plotBars(
      `Deliveries per second, ${nodes} nodes`,
      `Deliveries per second to subscribers on other nodes, ${nodes} nodes`,
      rows.filter((row) => row.nodes === nodes)
        .map((row) => ({ name: nameOf(row), peer: row.peer, figure: row.deliveriesPerSecond })),
    ),
  ]));
  const text = [
    `Four clients publish to one topic on the first node; ${SUBSCRIBERS} clients on the other nodes subscribe to it. ` +
    "Only so many messages are on their way at a time, the window: the publishers say the next when the subscribers have " +
    "heard earlier ones. So a server is driven as fast as it goes, and none is buried under what it cannot take. How " +
    `large a window suits a server best is tried first (${
      WINDOWS.join(", ")
    }, until larger ones no longer make it a tenth faster): ` +
    "one that sends one by one gains little from more, one that sends many together gains much, and one that waits for " +
    "answers of the broker needs it. What is compared is therefore each at its best, with everything delivered. The " +
    `latencies are of ${RATE} messages a second (${
      (RATE * SUBSCRIBERS).toLocaleString("en")
    } deliveries), which all ` +
    "can do: under a full window they would be nothing but the window divided by the speed.",
    "All nodes of a cluster share one processor, as on a machine with two there is no other; the broker and the load " +
    "client have the other one. So more nodes are not faster here: the table shows what the way over the backplane " +
    "costs, not how a cluster scales. Every client of Redis is ioredis with its defaults, as in Trunkline's adapter. " +
    "Socket.IO's sharded adapter is left to `interest`, as with one topic it does what the other one does. " +
    "The relay of node:cluster is in the process that runs the benchmark, on Deno. BroadcastChannel is not here, as it does not reach other processes.",
    ...sizes.map((nodes) => `![Deliveries per second, ${nodes} nodes](results/crossnode-${nodes}.svg)`),
    tableOf(
      rows,
      [
        "nodes",
        "per second: median (range)",
        "window",
        "delivered",
        "per CPU second",
        "p50, ms",
        "p95, ms",
        "p99, ms",
        "MB a node",
      ],
      (row) => [
        row.nodes,
        ranged(row.deliveriesPerSecond),
        row.window.median,
        shareOf(row),
        ranged(row.deliveriesPerCpuSecond),
        ranged(row.p50Ms),
        ranged(row.p95Ms),
        ranged(row.p99Ms),
        ranged(row.rssMb),
      ],
    ),
    ratios(rows),
  ].join("\n\n");
  return { text, drawings, excerpts: { "docs/adapters.md": ourAdapters(rows) } };
}

/** The study. */
export const crossnode: Study<readonly CrossnodeRow[]> = {
  name: "crossnode",
  what: "published on one node, heard on the others, of clusters of 2 and 4 nodes",
  canBeQuick: true,
  report,
  reach,
  async run(paths, say, effort) {
    const comparison = effort.quick ? { sizes: [2], task: quickCrossnode } : { sizes: SIZES, task };
    const { measured, faults } = await compare<CrossnodeOutcome>(comparison, paths, say, effort);
    const rows = measured.map(toCrossnodeRow).sort((a, b) => a.nodes - b.nodes);
    for (const row of rows) {
      say(
        `${row.nodes} nodes, ${nameOf(row).padEnd(40)} ${
          ranged(row.deliveriesPerSecond)
        } per second, window ${row.window.median}, ` +
          `${ranged(row.deliveriesPerCpuSecond)} per CPU second, p99 ${ranged(row.p99Ms)} ms, ` +
          `delivered ${
            shareOf(row)
          }, nodes ${row.serversBusy.median} and load client ${row.loadClientBusy.median} busy`,
      );
    }
    return { rows, faults: [...faults, ...clusterFaults(rows)] };
  },
};
