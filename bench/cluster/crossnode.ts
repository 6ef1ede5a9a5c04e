/**
 * Crossnode: messages that are published on one node, with subscribers on the others, over every adapter.
 *
 * @module
 */

import type { CrossnodeOutcome } from "../load/crossnode.ts";
import { plotBars } from "../plot.ts";
import { type Verdict, verdict } from "../reach.ts";
import type { Study } from "../study.ts";
import { ratio } from "../svg.ts";
import { compare, nameOf } from "./compare.ts";
import type { ClusterTask } from "./measure.ts";
import { clusterFaults, type CrossnodeRow, toCrossnodeRow } from "./rows.ts";
import { ranged, shareOf, tableOf } from "./table.ts";

const SUBSCRIBERS = 200;
const WINDOWS = [32, 128, 512, 2_048];
const RATE = 100;
const SIZES = [2, 4];

/** The load. */
export const crossnodeTask: ClusterTask = {
  shape: "crossnode",
  speakers: 4,
  windows: WINDOWS,
  tryMs: 200,
  subscribers: SUBSCRIBERS,
  forMs: 800,
  paced: { rate: RATE, forMs: 800 },
};
/** The load of a quick run. */
export const quickCrossnode: ClusterTask = {
  ...crossnodeTask,
  windows: [128],
  tryMs: 100,
  subscribers: 40,
  forMs: 300,
  paced: { rate: RATE, forMs: 200 },
};
/** The load that compares two checkouts: with one window and warm, else ratios would be of windows and compilers too. */
export const evenCrossnode: ClusterTask = {
  ...crossnodeTask,
  windows: [512],
  tryMs: 1_000,
  subscribers: SUBSCRIBERS,
  forMs: 2_000,
  paced: { rate: RATE, forMs: 800 },
};

/** Ratios: Trunkline over Redis compared with the peers, and its other adapters compared with Redis. */
function ratios(rows: readonly CrossnodeRow[]): string {
  const speed = ({ deliveriesPerSecond: { median } }: CrossnodeRow) => median;
  const ours = rows.filter(({ peer }) => peer === "trunkline");
  return ours.filter(({ adapter }) => adapter === "redis").map((row) => {
    const same = rows.filter((other) => other !== row && other.nodes === row.nodes);
    const peers = same.filter(({ peer }) => peer !== "trunkline")
      .map((other) => `${ratio(speed(row) / speed(other))} × ${nameOf(other)}`);
    const others = same.filter((other) => ours.includes(other) && other.runtime === row.runtime)
      .map((other) => `${other.adapter} has ${ratio(speed(other) / speed(row))} × of that`);
    return `- ${row.nodes} nodes, trunkline, redis (${row.runtime}): ${[...peers, ...others].join(", ")}`;
  }).join("\n");
}

/** The targets over Redis: compared with the peers, and with the other adapters. */
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
        "× our slowest adapter",
      ),
    ];
  });
}

/** A table of our adapters, for readers who choose one. */
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
    "The window is the number of messages that may be on their way at one time: the publishers send the next message when the " +
    "subscribers have received earlier ones. So each server runs as fast as it can, and none gets more than it can take. Before " +
    `the measurement, the load client looks for the window with which a server is fastest (${
      WINDOWS.join(", ")
    }, until a larger one does not make it a tenth faster). ` +
    "A server that sends messages one by one gains little from a larger window. A server that sends many together gains much. A " +
    "server that waits for answers of the broker needs it. So the table compares each server at its best, with every message " +
    `delivered. The latencies are measured at ${RATE} messages a second (${
      (RATE * SUBSCRIBERS).toLocaleString("en")
    } deliveries), which ` +
    "every server can do. With a full window, a latency would only be the window divided by the speed.",
    "All nodes of a cluster share one processor, because the machine has only two; the broker and the load " +
    "client share the other one. So more nodes are not faster here: the table shows what the path over the backplane " +
    "costs, not how a cluster scales. Every client of Redis is ioredis with its defaults, as in Trunkline's adapter. " +
    "Socket.IO's sharded adapter is only in `interest`: with one topic it works like the other one. " +
    "The relay of node:cluster is in the process that runs the benchmark, on Deno. BroadcastChannel is not here, because it does not reach other processes.",
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
        "MB per node",
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
  repetitions: 2, // with many rows, more take too long
  withinS: 300,
  what: "published on one node, received on the others, in clusters of 2 and 4 nodes",
  canBeQuick: true,
  report,
  reach,
  async run(paths, say, effort) {
    const comparison = effort.quick
      ? { sizes: [2], task: quickCrossnode }
      : { sizes: SIZES, task: crossnodeTask };
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
