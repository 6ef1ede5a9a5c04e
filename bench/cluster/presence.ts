/**
 * Presence: the cost of knowing the members of a room on every node, and of telling clients that watch.
 *
 * @module
 */

import { redisCommand } from "../../tools/brokers/sockets.ts";
import type { ListingOutcome, PresenceOutcome } from "../load/presence.ts";
import { plotBars } from "../plot.ts";
import { range } from "../range.ts";
import type { Runtime } from "../runtimes.ts";
import { Budget } from "../budget.ts";
import type { Repetitions, Study } from "../study.ts";
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

/** By default Redis disconnects a subscriber with more than 32 MB in its buffer. The peer's data of 100,000 members is larger. */
const NO_LIMIT = ["client-output-buffer-limit", "pubsub 0 0 0"];

/** The sizes of a run. */
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
    `${NODES} nodes, whose members are all in one room: a quarter of them on each node. Each member is a user with one connection, ` +
    "without a socket. Otherwise these connections are like all others of the hub, and they are in the cluster before they enter the " +
    "room. In each turn a hundred members enter, on all nodes at once. They leave in the same way. The clock stops when the last node " +
    "knows all of them. Nodes learn of members by gossip, which every node gets, or from Redis, the central store.",
    "![Joins per second](results/presence.svg)",
    table(
      [
        ...WHO,
        "members",
        "known on all nodes",
        "joins per second: median (range)",
        "per CPU second",
        "bytes to Redis per join",
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
      [...WHO, "leaves per second", "per CPU second", "bytes to Redis per leave", "bytes from Redis"],
      ours.map((row) => [...who(row), ...movement(row.leaves)]),
    ),
    "The memory that a member's presence takes on each node, compared with a room without presence. It is a mean of the node's own " +
    "members and those of other nodes, after a garbage collection. Resident is the memory of a whole node, with the connections of a " +
    "quarter of the members. With a central store a node knows its own members, and the members of rooms that a client of this node " +
    "watches. In this part no client watches.",
    table(
      [...WHO, "heap, bytes per member and node", "bytes in Redis", "resident, MB per node"],
      ours.map((row) => [
        ...who(row),
        ranged(row.heapBytes),
        row.adapter === "central" ? ranged(row.redisBytes) : "–",
        ranged(row.rssMb),
      ]),
    ),
    `The time from question to answer: for a count of the members in a room with ${
      many(FULL.few)
    } members and in the room ` +
    "with all, and for reading a page of 100 members. The first page is slower with gossip, because the node sorts the members for it. Socket.IO " +
    "answers both questions with `fetchSockets()`: a list of all connections in a room, with the data of each. " +
    "Its members have no sockets either. Redis may buffer more than its default of 32 MB for a subscriber here, because " +
    "otherwise it would close that connection. super-line keeps presence in Redis too. It is not on npm, so it is not measured; as we read its code, " +
    "its count loads the data of every connection.",
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
        "until all are told, ms",
        "heard",
        "joins told per CPU second",
        "frames per watcher",
        "bytes per join and watcher",
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
  `${watchers} clients with sockets watch a room on one node, and members enter it on another node: ${
    many(joins)
  } enter, a hundred in each turn. ` +
  "The hub tells the clients the name of each member. By default it would tell them only the number, from 1,000 members on.";

/** Runs all candidates. They take turns for several rounds, so that a busy moment of the machine affects all of them. */
async function measureAll(
  extent: Extent,
  { repetitions, withinMs }: Repetitions,
  paths: Readonly<Partial<Record<Runtime, string>>>,
  say: (line: string) => void,
) {
  const { members, few, watchers, burst } = extent;
  const ours = OURS.filter(({ runtime }) => paths[runtime])
    .map((candidate) => ({ candidate, outcomes: [] as PresenceOutcome[] }));
  const peers = [SOCKET_IO].filter(({ runtime }) => paths[runtime])
    .map((candidate) => ({ candidate, outcomes: [] as ListingOutcome[] }));
  const faults: string[] = [];
  const budget = new Budget(withinMs);
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
      await budget.spend(candidate, candidate.kind, async () => {
        outcomes.push(await measureCluster<Outcome>(candidate, NODES, task, { paths, broker }));
      });
    } catch (error) {
      const what = `presence: ${nameOf(candidate)}: ${(error as Error).message}`;
      say(what);
      if (candidate.kind === "trunkline") faults.push(what);
    }
  };
  try {
    for (const _round of budget.rounds(repetitions)) {
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
  withinS: 100,
  report,
  reach: presenceVerdicts,
  async run(paths, say, { quick, ...effort }) {
    const extent = quick ? QUICK : FULL;
    const { ours, peers, faults } = await measureAll(extent, effort, paths, say);
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
