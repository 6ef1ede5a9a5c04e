/**
 * What users do in a run, as data.
 *
 * @module
 */

import type { Random } from "../load/random.ts";

/** Something that users do on one seat. */
export interface Operation {
  /** When, in milliseconds. */
  readonly at: number;
  /** On which seat. */
  readonly seat: number;
  /**
   * A connection is in a place or gets another state there; it leaves; it ends; a listener begins or stops to look at a
   * place; many connections come, or leave.
   */
  readonly kind: "put" | "drop" | "end" | "look" | "crowd" | "empty";
  /** The place. */
  readonly place: string;
  /** Which connection of its node. */
  readonly connection: number;
  /** How many, for `crowd`. */
  readonly many: number;
}

/** The options of a workload. */
export interface WorkloadOptions {
  /** Where chance comes from. */
  readonly random: Random;
  /** How many seats there are. */
  readonly seats: number;
  /** When the last operation happens, in milliseconds. */
  readonly quietAt: number;
  /** How many operations there are. */
  readonly count: number;
}

/** How many connections a node has, beside its crowd. */
const CONNECTIONS = 4;
/** One in so many operations is about a crowd. */
const CROWD_ONE_IN = 60;
/** The largest crowd, times the number of nodes, because every node is told of each member. */
const MOST = 1_200;
/** In one of so many runs a node has more changes than it remembers. */
const BUSY_ONE_IN = 5;
/** How many crowds come and go there, and how many each is at most. */
const BUSY = { crowds: 5, most: 700 };

/** Names like a prototype's own properties are names like others. */
export const PLACES: readonly string[] = ["room:a", "room:__proto__", "topic:constructor"];
const USERS = ["ann", "bob", "__proto__", "toString", "eve"];

const KINDS = ["put", "put", "put", "put", "drop", "drop", "end", "look"] as const;

/** The numbers of connections of a crowd begin with it. */
export const CROWD = 100;

/**
 * The user of a connection: one that has connections on other nodes too, or, in a crowd, another user.
 *
 * @returns `undefined` when it is anonymous.
 */
export function userOf(seat: number, connection: number): string | undefined {
  if (connection === 0) return undefined;
  return connection < CROWD
    ? USERS[(seat + connection) % USERS.length]
    : `fan ${seat % 3} ${connection >> 1}`;
}

/** Draws what users do, in the order of time. */
export function drawWorkload({ random, seats, quietAt, count }: WorkloadOptions): Operation[] {
  const operations: Operation[] = [];
  for (let i = 0; i < count; i++) {
    operations.push({
      at: random.below(quietAt),
      seat: random.below(seats),
      kind: random.oneIn(CROWD_ONE_IN)
        ? random.pick(["crowd", "crowd", "empty"] as const)
        : random.pick(KINDS),
      place: random.pick(PLACES),
      connection: random.below(CONNECTIONS),
      many: 1 + random.below(Math.ceil(MOST / seats)),
    });
  }
  const busy = { seat: random.below(seats), place: random.pick(PLACES), connection: 0 };
  for (let left = count > 0 && random.oneIn(BUSY_ONE_IN) ? BUSY.crowds : 0; left > 0; left--) {
    const kind = random.pick(["crowd", "crowd", "empty"] as const);
    operations.push({ ...busy, at: random.below(quietAt), kind, many: 1 + random.below(BUSY.most) });
  }
  return operations.sort((a, b) => a.at - b.at);
}

/** Describes an operation in words. */
export function describeOperation({ at, seat, kind, place, connection, many }: Operation): string {
  const on = `on n${String(seat).padStart(2, "0")}`;
  const who = `connection ${connection} (${userOf(seat, connection) ?? "anonymous"})`;
  switch (kind) {
    case "put":
      return `${at} ms: ${on} ${who} is in ${place}, or has another state there`;
    case "drop":
      return `${at} ms: ${on} ${who} leaves ${place}`;
    case "end":
      return `${at} ms: ${on} ${who} ends`;
    case "look":
      return `${at} ms: ${on} somebody begins, or ceases, to look at ${place}`;
    case "crowd":
      return `${at} ms: ${on} ${many} come to ${place}, or have another state there`;
    case "empty":
      return `${at} ms: ${on} the crowd leaves ${place}`;
  }
}
