/**
 * The faults, their targets and their times, all from one seed.
 *
 * @module
 */

import { chanceFor } from "../sim/chance.ts";
import { topicNames } from "./contract.ts";
import type { TopicName } from "./contract.ts";
import type { Drop } from "./words.ts";

/** How much there is of everything. */
export interface Extent {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly clients: number;
  readonly topics: number;
  /** To how many topics each client subscribes. */
  readonly subscriptions: number;
  /** How many messages are published in a second, on all topics together. */
  readonly rate: number;
}

/** A fault of a node, or of a server of the store. Times are in milliseconds from the start. */
export interface Fault {
  readonly at: number;
  readonly whom: "node" | "server";
  readonly index: number;
  /** `end` is a signal that lets it end by itself, and `kill` one that does not; both are started again. */
  readonly what: "kill" | "end" | "freeze";
  readonly forMs: number;
}

/** A whole schedule. */
export interface Schedule {
  readonly faults: readonly Fault[];
  readonly drops: readonly Drop[];
  /** The topics of each client. */
  readonly topics: readonly (readonly TopicName[])[];
}

const LONGEST_DROP_MS = 2_000;
/** How long a client has its link, on average. */
const DROP_EVERY_MS = 12_000;
/** The pauses between two faults of nodes, and of servers. */
const PAUSES = { node: { least: 1_000, most: 7_000 }, server: { least: 3_000, most: 12_000 } } as const;
const LONGEST = { kill: 2_000, end: 1_000, freeze: 5_000 } as const;
const WHATS = {
  node: ["kill", "kill", "end", "freeze"],
  server: ["kill", "end", "freeze", "freeze"],
} as const;

/**
 * Draws a schedule.
 *
 * @param extent How much there is of everything.
 * @param servers How many servers the store has.
 */
export function drawSchedule(extent: Extent, servers: number): Schedule {
  const { seed, seconds, clients, nodes } = extent;
  const end = seconds * 1_000;
  const drops: Drop[] = [];
  const chance = chanceFor(seed, 0);
  for (let client = 0; client < clients; client++) {
    for (let at = chance.below(DROP_EVERY_MS); at < end;) {
      const forMs = chance.below(LONGEST_DROP_MS + 1);
      drops.push({ at, client, forMs });
      at += forMs + chance.below(2 * DROP_EVERY_MS);
    }
  }
  const faults = [...drawFaults("node", nodes, extent, 1), ...drawFaults("server", servers, extent, 2)];
  return { drops, faults: faults.sort((a, b) => a.at - b.at), topics: drawTopics(extent) };
}

function drawFaults(whom: Fault["whom"], count: number, { seed, seconds }: Extent, part: number): Fault[] {
  const chance = chanceFor(seed, part);
  const faults: Fault[] = [];
  const { least, most } = PAUSES[whom];
  for (let at = 0;;) {
    at += least + chance.below(most - least);
    const what = chance.pick(WHATS[whom]);
    const forMs = chance.below(LONGEST[what]);
    if (at + forMs > seconds * 1_000) return faults;
    faults.push({ at, whom, index: chance.below(count), what, forMs });
    at += forMs;
  }
}

function drawTopics({ seed, clients, topics, subscriptions }: Extent): TopicName[][] {
  const chance = chanceFor(seed, 3);
  return Array.from({ length: clients }, () => {
    const names = topicNames(topics);
    return Array.from(
      { length: subscriptions },
      () => names.splice(chance.below(names.length), 1)[0]!,
    );
  });
}

/** Writes a fault for the terminal. */
export const describeFault = ({ at, whom, index, what, forMs }: Fault): string =>
  `${(at / 1_000).toFixed(1).padStart(6)} s  ${what} ${whom} ${index} for ${forMs} ms`;
