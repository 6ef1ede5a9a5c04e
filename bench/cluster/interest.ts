/**
 * Interest: messages that nodes get from the backplane although none of their clients subscribes to them.
 *
 * @module
 */

import type { InterestOutcome } from "../load/interest.ts";
import { plotBars } from "../plot.ts";
import { verdict } from "../reach.ts";
import type { Study } from "../study.ts";
import { compare, nameOf } from "./compare.ts";
import type { ClusterTask } from "./measure.ts";
import { clusterFaults, type InterestRow, toInterestRow } from "./rows.ts";
import { ranged, shareOf, tableOf } from "./table.ts";

const NODES = 4;
const TOPICS = 1_000;
const ROUNDS = 30;

const task: ClusterTask = { shape: "interest", speakers: 4, window: 512, topics: TOPICS, rounds: ROUNDS };
/** The load of a quick run. */
export const quickInterest: ClusterTask = { ...task, topics: 100, rounds: 8 };

function report(rows: readonly InterestRow[]) {
  const drawings = {
    interest: plotBars(
      "Messages that came to nodes without interest",
      "Messages that came over the backplane to nodes without a subscriber",
      rows.map((row) => {
        const { unwanted } = row;
        return {
          name: nameOf(row),
          peer: row.peer,
          figure: { median: unwanted, min: unwanted, max: unwanted },
        };
      }),
    ),
  };
  const text = [
    `${NODES} nodes and ${
      TOPICS.toLocaleString("en")
    } topics, each with one subscriber, a quarter of them on each node. ` +
    `Four clients of the first node publish to all topics in turn, ${ROUNDS} times. The benchmark counts the messages that the ` +
    "other three nodes get from the backplane. It counts between hub and adapter; for Socket.IO, where its adapter gets them; for " +
    "crossws, between crossws and its driver. If Trunkline sends several messages of one topic and one turn together, they count as " +
    "one. The bytes that Redis sent, to all nodes and with its confirmations, come from Redis itself.",
    "![Messages that came to nodes without interest](results/interest.svg)",
    tableOf(
      rows,
      [
        "with interest",
        "**without**",
        "delivered",
        "sent by Redis, MB",
        "CPU µs per publish: median (range)",
        "per second",
        "MB per node",
      ],
      (row) => [
        row.wanted.toLocaleString("en"),
        row.unwanted.toLocaleString("en"),
        shareOf(row),
        row.redisMb ? ranged(row.redisMb) : "–",
        ranged(row.cpuUsPerPublish),
        ranged(row.deliveriesPerSecond),
        ranged(row.rssMb),
      ],
    ),
    "The processor time is the sum of all nodes, with the counting.",
  ].join("\n\n");
  return { text, drawings };
}

/** The study. */
export const interest: Study<readonly InterestRow[]> = {
  name: "interest",
  what: `${NODES} nodes, ${TOPICS.toLocaleString("en")} topics, each with a subscriber on one node`,
  canBeQuick: true,
  repetitions: 2,
  withinS: 110,
  report,
  reach: (rows) =>
    rows.filter(({ peer }) => peer === "trunkline")
      .map((row) => verdict(nameOf(row), row.unwanted, { atMost: 0 }, "messages to nodes without interest")),
  async run(paths, say, effort) {
    const comparison = effort.quick ? { sizes: [2], task: quickInterest } : { sizes: [NODES], task };
    const { measured, faults } = await compare<InterestOutcome>(comparison, paths, say, effort);
    const rows = measured.map(toInterestRow);
    for (const row of rows) {
      say(
        `${nameOf(row).padEnd(40)} ${row.wanted} wanted, ${row.unwanted} unwanted, delivered ${
          shareOf(row)
        }, ` +
          `${ranged(row.cpuUsPerPublish)} CPU µs per publish, ${row.redisMb?.median ?? "–"} MB from Redis`,
      );
    }
    return { rows, faults: [...faults, ...clusterFaults(rows)] };
  },
};
