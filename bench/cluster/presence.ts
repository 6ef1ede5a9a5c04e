/**
 * Presence: what it costs to know who is in a room, on every node, and to tell those who watch.
 *
 * @module
 */

import { redisCommand } from "../../tools/brokers/sockets.ts";
import type { ListingOutcome, PresenceOutcome } from "../load/presence.ts";
import { plotBars } from "../plot.ts";
import { range } from "../range.ts";
import type { Runtime } from "../runtimes.ts";
import type { Study } from "../study.ts";
import { startBrokers } from "./brokers.ts";
import type { ClusterCandidate } from "./candidates.ts";
import { nameOf } from "./compare.ts";
import { type ClusterTask, measureCluster } from "./measure.ts";
import {
  type CountRow,
  isOurs,
  type MeasuredPresence,
  type MovementFigures,
  presenceFaults,
  type PresenceRow,
  presenceVerdicts,
  toPresenceRow,
  whoOf,
} from "./presence_rows.ts";
import { ranged } from "./table.ts";

const NODES = 4;

/** By default Redis cuts off a subscriber for whom 32 MB wait: what the peer says of 100,000 members is more. */
const NO_LIMIT = ["client-output-buffer-limit", "pubsub 0 0 0"];

/** How many of everything. */
interface Extent {
  readonly members: number;
  readonly few: number;
  readonly watchers: number;
  readonly burst: number;
}

const FULL: Extent = { members: 100_000, few: 1_000, watchers: 500, burst: 10_000 };
const QUICK: Extent = { members: 8_000, few: 400, watchers: 100, burst: 1_000 };

const trunkline = {
  kind: "trunkline",
  dialect: "trunkline",
  server: "trunkline",
  file: "presence/trunkline.ts",
  broker: "redis",
  quickly: true,
} as const;
const OURS: readonly ClusterCandidate[] = (["gossip", "central"] as const).flatMap((adapter) =>
  (["deno", "bun"] as const).map((runtime) => ({ ...trunkline, adapter, runtime }))
);
const SOCKET_IO: ClusterCandidate = {
  kind: "peer",
  dialect: "socket.io",
  server: "socket.io",
  runtime: "node",
  adapter: "redis-adapter",
  file: "presence/socket_io.mjs",
  broker: "redis",
  quickly: true,
};

const many = (count: number): string => count.toLocaleString("en");

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const WHO = ["server", "runtime", "kind"];
const who = ({ server, runtime, peer, adapter }: CountRow): string[] => [
  peer === "trunkline" ? `**${server}**` : server,
  runtime,
  adapter,
];
const share = (delivered: number, expected: number): string =>
  delivered === expected ? "100 %" : `${(100 * delivered / expected).toFixed(1)} %`;

function report(rows: readonly CountRow[]) {
  const ours = rows.filter(isOurs);
  const movement = ({ perSecond, perCpuSecond, published, sent }: MovementFigures) =>
    [perSecond, perCpuSecond, published, sent].map(ranged);
  const text = [
    `${NODES} nodes, whose members are all in one room, as users with one connection each: a quarter on each node, ` +
    "without sockets, but otherwise the hub's like any other, and in the cluster before they enter. A hundred enter in " +
    "each turn, on all nodes at once, and leave likewise. It counts when the last node knows of all. Members are known " +
    "by gossip, which every node hears, or from Redis, the central store.",
    "![Joins per second](results/presence.svg)",
    table(
      [
        ...WHO,
        "members",
        "known everywhere",
        "joins per second: median (range)",
        "per CPU second",
        "bytes to Redis a join",
        "bytes from Redis",
      ],
      ours.map((row) => [
        ...who(row),
        many(row.expected),
        share(row.delivered, row.expected),
        ...movement(row.joins),
      ]),
    ),
    table(
      [...WHO, "leaves per second", "per CPU second", "bytes to Redis a leave", "bytes from Redis"],
      ours.map((row) => [...who(row), ...movement(row.leaves)]),
    ),
    "What a member's presence takes on each node, beyond its being in a room of which no presence is kept; a mean of " +
    "members of the node itself and of others, after a garbage collection. Resident is a node with all that it has, the " +
    "connections of a quarter of the members too. With a central store nodes know their own members, and those of rooms that " +
    "somebody there watches; here nobody does.",
    table(
      [...WHO, "heap, bytes a member and node", "bytes in Redis", "resident, MB a node"],
      ours.map((row) => [
        ...who(row),
        ranged(row.heapBytes),
        row.adapter === "central" ? ranged(row.redisBytes) : "–",
        ranged(row.rssMb),
      ]),
    ),
    `What it takes to know how many there are, from question to answer, in a room with ${
      many(FULL.few)
    } members and in that ` +
    "with all, and to read a page of 100: the first page, for which gossip sorts the members, and the next one. Socket.IO " +
    "has one answer to both questions, `fetchSockets()`: a list of all who are in a room, with what is known of each connection. " +
    "Its members have no sockets either, and Redis is told to hold back more than its default of 32 MB for a subscriber, which " +
    "would be cut off otherwise. super-line, which keeps presence in Redis too, is not on npm and so not measured; as we read it, " +
    "its count loads what is known of every connection.",
    table(
      [...WHO, "members", "told", "count of few, µs", "count of all, µs", "first page, ms", "page, µs"],
      rows.map((row) => [
        ...who(row),
        many(row.expected),
        share(row.delivered, row.expected),
        ranged(row.countFewUs),
        ranged(row.countUs),
        ...(isOurs(row) ? [ranged(row.firstPageMs), ranged(row.pageUs)] : ["–", "–"]),
      ]),
    ),
    ours[0] ? watchingText(ours[0]) : "",
    table(
      [
        ...WHO,
        "until all know, ms",
        "heard",
        "joins told per CPU second",
        "frames a watcher",
        "bytes a join and watcher",
      ],
      ours.map(({ watching, ...row }) => [
        ...who(row as CountRow),
        ranged(watching.ms),
        share(watching.delivered, watching.expected),
        ranged(watching.perCpuSecond),
        ranged(watching.framesPerWatcher),
        ranged(watching.bytes),
      ]),
    ),
  ].join("\n\n");
  const drawings = {
    presence: plotBars(
      "Joins per second, until all nodes know",
      "Joins per second until all nodes know of all members",
      ours.map((row) => ({ name: nameOf(row), peer: row.peer, figure: row.joins.perSecond })),
    ),
  };
  return { text, drawings };
}

const watchingText = ({ watching: { watchers, joins } }: PresenceRow): string =>
  `${watchers} clients, with sockets, watch on one node who enters on another: ${
    many(joins)
  } come, a hundred in each turn. ` +
  "The hub tells clients of all of them by name; by default it would tell only their number from 1,000 members on.";

/** Runs all in turn, again and again, so that a noisy moment hits all alike. */
async function measureAll(
  extent: Extent,
  repetitions: number,
  paths: Readonly<Partial<Record<Runtime, string>>>,
  say: (line: string) => void,
) {
  const { members, few, watchers, burst } = extent;
  const ours = OURS.filter(({ runtime }) => paths[runtime])
    .map((candidate) => ({ candidate, outcomes: [] as PresenceOutcome[] }));
  const peers = [SOCKET_IO].filter(({ runtime }) => paths[runtime])
    .map((candidate) => ({ candidate, outcomes: [] as ListingOutcome[] }));
  const faults: string[] = [];
  const brokers = await startBrokers(["redis"]);
  for (const missing of brokers.missing) say(`Skipped: everything on ${missing}`);
  const broker = brokers.running.redis;
  for (const port of broker?.redisPorts ?? []) await redisCommand(port, "CONFIG", "SET", ...NO_LIMIT);
  /** Measures once. */
  const once = async <Outcome>(
    { candidate, outcomes }: { candidate: ClusterCandidate; outcomes: Outcome[] },
    task: ClusterTask,
  ) => {
    if (!broker) return;
    try {
      outcomes.push(await measureCluster<Outcome>(candidate, NODES, task, { paths, broker }));
    } catch (error) {
      const what = `presence: ${nameOf(candidate)}: ${(error as Error).message}`;
      say(what);
      if (candidate.kind === "trunkline") faults.push(what);
    }
  };
  try {
    for (let i = 0; i < repetitions; i++) {
      for (const one of ours) await once(one, { shape: "presence", members, few, watchers, burst });
      for (const one of peers) await once(one, { shape: "listing", members, few });
    }
  } finally {
    await brokers.stop();
  }
  return { ours, peers, faults };
}

function toListingRow(measured: MeasuredPresence<ListingOutcome>): CountRow {
  const { outcomes } = measured;
  return {
    ...whoOf(measured),
    expected: outcomes[0]!.members,
    delivered: Math.min(...outcomes.map(({ listed }) => listed)),
    countFewUs: range(outcomes.map(({ countFewUs }) => countFewUs)),
    countUs: range(outcomes.map(({ countUs }) => countUs)),
  };
}

const wasMeasured = ({ outcomes }: MeasuredPresence<unknown>): boolean => outcomes.length > 0;

/** The study. */
export const presence: Study<readonly CountRow[]> = {
  name: "presence",
  what: `${
    many(FULL.members)
  } members of one room on ${NODES} nodes, and ${FULL.watchers} clients that watch`,
  canBeQuick: true,
  report,
  reach: presenceVerdicts,
  async run(paths, say, { quick, repetitions }) {
    const extent = quick ? QUICK : FULL;
    const { ours, peers, faults } = await measureAll(extent, repetitions, paths, say);
    const rows: CountRow[] = [
      ...ours.filter(wasMeasured).map((measured) => toPresenceRow(measured, extent)),
      ...peers.filter(wasMeasured).map(toListingRow),
    ];
    for (const row of rows) say(line(row));
    return { rows, faults: [...faults, ...presenceFaults(rows)] };
  },
};

/** A row for the terminal. */
function line(row: CountRow): string {
  const start = `${nameOf(row).padEnd(32)} ${row.delivered} of ${row.expected} known, count ${
    ranged(row.countUs)
  } µs, of few ${ranged(row.countFewUs)} µs`;
  if (!isOurs(row)) return start;
  const { joins, leaves, heapBytes, watching } = row;
  return `${start}, ${ranged(joins.perSecond)} joins per second, ${
    ranged(joins.perCpuSecond)
  } per CPU second, ` +
    `${ranged(leaves.perSecond)} leaves per second, ${ranged(heapBytes)} bytes a member and node, ` +
    `watchers know after ${ranged(watching.ms)} ms`;
}
