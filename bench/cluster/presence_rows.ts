/**
 * The results of the presence study, and the faults in them.
 *
 * @module
 */

import type { Movement, PresenceOutcome } from "../load/presence.ts";
import { type Range, range, worstOf } from "../range.ts";
import { type Verdict, verdict } from "../reach.ts";
import type { ClusterCandidate } from "./candidates.ts";
import { nameOf } from "./compare.ts";

/** The common part of all rows. */
export interface CountRow {
  readonly server: string;
  readonly runtime: string;
  /** `"trunkline"` or `"peer"`. */
  readonly peer: string;
  /** How nodes learn of members. */
  readonly adapter: string;
  readonly repetitions: number;
  /** The members of the room, and the lowest count of any node; from the worst repetition. */
  readonly expected: number;
  readonly delivered: number;
  /** The time of a count with few members and with all, in microseconds, from question to answer. */
  readonly countFewUs: Range;
  readonly countUs: Range;
}

/** The figures of members that enter, or leave. */
export interface MovementFigures {
  readonly perSecond: Range;
  /** Per second of all nodes' processor time. */
  readonly perCpuSecond: Range;
  /** The bytes per member that the broker receives, and that it sends to all nodes. */
  readonly published: Range;
  readonly sent: Range;
}

/** A row of Trunkline. */
export interface PresenceRow extends CountRow {
  readonly joins: MovementFigures;
  readonly leaves: MovementFigures;
  /** The memory of a member's presence on each node after a garbage collection, in bytes; and in the broker. */
  readonly heapBytes: Range;
  readonly redisBytes: Range;
  /** The resident memory of a node with all members and its connections. */
  readonly rssMb: Range;
  /** The time of a page of 100: the first page, in milliseconds, and a later one, in microseconds. */
  readonly firstPageMs: Range;
  readonly pageUs: Range;
  /** The figures of clients that watch members enter. */
  readonly watching: {
    /** The time until the last client knew all members. */
    readonly ms: Range;
    /** How many joins the nodes told watchers per second of both nodes' processor time. */
    readonly perCpuSecond: Range;
    /** The share of the time in which the load client worked. */
    readonly loadClientBusy: Range;
    readonly framesPerWatcher: Range;
    /** The bytes per member and watcher. */
    readonly bytes: Range;
    readonly joins: number;
    readonly watchers: number;
    /** Of the worst repetition. */
    readonly delivered: number;
    readonly expected: number;
    /** Whether each member was told once, in every repetition. */
    readonly once: boolean;
  };
}

/** A candidate, and its results. */
export interface MeasuredPresence<Outcome> {
  readonly candidate: ClusterCandidate;
  readonly outcomes: readonly Outcome[];
}

/** Names a row. */
export function whoOf<Outcome>({ candidate, outcomes }: MeasuredPresence<Outcome>) {
  const { server, runtime, kind: peer, adapter } = candidate;
  return { server, runtime, peer, adapter, repetitions: outcomes.length };
}

/**
 * Makes a row of Trunkline.
 *
 * @param measured The measurements.
 * @param watching How many members entered while clients watched, and how many clients watched.
 */
export function toPresenceRow(
  measured: MeasuredPresence<PresenceOutcome>,
  { burst, watchers }: { readonly burst: number; readonly watchers: number },
): PresenceRow {
  const { outcomes } = measured;
  const over = (figure: (outcome: PresenceOutcome) => number) => range(outcomes.map(figure));
  const moved = (which: "joins" | "leaves"): MovementFigures => {
    const each = (figure: (movement: Movement) => number) =>
      over(({ [which]: movement }) => figure(movement));
    return {
      perSecond: each(({ known, ms }) => known / ms * 1_000),
      perCpuSecond: each(({ known, cpuMs }) => known / cpuMs * 1_000),
      published: each(({ known, published }) => published / known),
      sent: each(({ known, sent }) => sent / known),
    };
  };
  const known = ({ joins, leaves }: PresenceOutcome) => Math.min(joins.known, leaves.known);
  const heard = outcomes.map(({ watching }) => watching);
  const worst = worstOf(heard);
  return {
    ...whoOf(measured),
    expected: outcomes[0]!.members,
    delivered: Math.min(...outcomes.map(known)),
    joins: moved("joins"),
    leaves: moved("leaves"),
    heapBytes: over(({ heap, members }) => heap / members),
    redisBytes: over(({ redis, members }) => redis / members),
    rssMb: over(({ rss }) => rss / 1e6),
    countFewUs: over(({ costs }) => costs.countFewUs),
    countUs: over(({ costs }) => costs.countUs),
    firstPageMs: over(({ costs }) => costs.firstPageMs),
    pageUs: over(({ costs }) => costs.pageUs),
    watching: {
      ms: over(({ watching }) => watching.ms),
      perCpuSecond: over(({ watching }) => watching.delivered / watching.cpuMs * 1_000),
      loadClientBusy: over(({ watching }) => watching.loadCpuMs / watching.ms),
      framesPerWatcher: over(({ watching }) => watching.frames / watchers),
      bytes: over(({ watching }) => watching.bytes / watchers / burst),
      joins: burst,
      watchers,
      delivered: worst.delivered,
      expected: worst.expected,
      once: heard.every(({ once }) => once),
    },
  };
}

/** Whether a row belongs to Trunkline. */
export const isOurs = (row: CountRow): row is PresenceRow => row.peer === "trunkline";

/** The limit of the growth of a count: with more members it must not cost more than this multiple. */
const MOST_GROWTH = 2;
/** The limit of a member's memory on a node, in bytes. */
const MOST_BYTES = 300;
/** The limit of the time until all watchers know, in milliseconds. */
const MOST_MS = 1_000;
/** The limit of the frames to a watcher for so many joins. */
const MOST_FRAMES = 1;
const JOINS = 100;

/** Compares rows with their targets. */
export function presenceVerdicts(rows: readonly CountRow[]): Verdict[] {
  return rows.filter(isOurs).flatMap((row) => {
    const { heapBytes, watching: { ms, framesPerWatcher, joins, watchers } } = row;
    const of = (what: string) => `${nameOf(row)}, ${what}`;
    return [
      verdict(of("a count of all members"), growthOf(row), { atMost: MOST_GROWTH }, "× a count of few"),
      verdict(of("a member on a node"), heapBytes.median, { atMost: MOST_BYTES }, "bytes of heap"),
      verdict(of(`${watchers} watchers know of ${joins} joins`), ms.median, { atMost: MOST_MS }, "ms"),
      verdict(
        of(`${JOINS} joins for a watcher`),
        framesPerWatcher.median / joins * JOINS,
        { atMost: MOST_FRAMES },
        "frames",
      ),
    ];
  });
}

/** The cost of a count of all, divided by that of a count of few. It uses the minimum, so that a busy moment counts little. */
const growthOf = ({ countUs, countFewUs }: CountRow): number => countUs.min / countFewUs.median;

/** The faults of Trunkline: members that not every node knew, or that watchers were not told. */
export function presenceFaults(rows: readonly CountRow[]): string[] {
  return rows.filter(isOurs).flatMap((row) => {
    const { delivered, expected, watching } = row;
    const where = `presence: ${nameOf(row)}`;
    const heard = watching.delivered === watching.expected && watching.once;
    return [
      ...(delivered === expected
        ? []
        : [`${where}: ${delivered} of ${expected} entered and left on all nodes`]),
      ...(heard ? [] : [
        `${where}: watchers were told ${watching.delivered} of ${watching.expected}, or one of them twice`,
      ]),
    ];
  });
}
