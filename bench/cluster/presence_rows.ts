/**
 * What the study of presence leaves behind, and what of it is not as it must be.
 *
 * @module
 */

import type { Movement, PresenceOutcome } from "../load/presence.ts";
import { type Range, range } from "../range.ts";
import { type Verdict, verdict } from "../reach.ts";
import type { ClusterCandidate } from "./candidates.ts";
import { nameOf } from "./compare.ts";

/** What all rows have. */
export interface CountRow {
  readonly server: string;
  readonly runtime: string;
  /** `"trunkline"` or `"peer"`. */
  readonly peer: string;
  /** How it is known who is where. */
  readonly adapter: string;
  readonly repetitions: number;
  /** How many members were in the room, and how many the node that knows of the fewest knew; of the worst repetition. */
  readonly expected: number;
  readonly delivered: number;
  /** What a count takes with few members and with all, in microseconds, from question to answer. */
  readonly countFewUs: Range;
  readonly countUs: Range;
}

/** How members came, or left. */
export interface MovementFigures {
  readonly perSecond: Range;
  /** For a second of all nodes' processor time. */
  readonly perCpuSecond: Range;
  /** What a member has the broker receive, and send to all nodes; in bytes. */
  readonly published: Range;
  readonly sent: Range;
}

/** A row of Trunkline. */
export interface PresenceRow extends CountRow {
  readonly joins: MovementFigures;
  readonly leaves: MovementFigures;
  /** What a member's presence takes on each node after a garbage collection, in bytes; and in the broker. */
  readonly heapBytes: Range;
  readonly redisBytes: Range;
  /** The resident memory of a node with all members, its connections included. */
  readonly rssMb: Range;
  /** A page of 100: the first one, in milliseconds, and a later one, in microseconds. */
  readonly firstPageMs: Range;
  readonly pageUs: Range;
  /** What clients that watch heard of those who came. */
  readonly watching: {
    /** Until the last one knew of all. */
    readonly ms: Range;
    /** How many joins watchers were told of for a second of both nodes' processor time. */
    readonly perCpuSecond: Range;
    /** Which share of the time the load client was at work. */
    readonly loadClientBusy: Range;
    readonly framesPerWatcher: Range;
    /** What a member and a watcher take, in bytes. */
    readonly bytes: Range;
    readonly joins: number;
    readonly watchers: number;
    /** Of the worst repetition. */
    readonly delivered: number;
    readonly expected: number;
    /** Whether each was told once, in every repetition. */
    readonly once: boolean;
  };
}

/** A candidate, and what came of it each time. */
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
 * @param measured What was measured.
 * @param watching How many joined while others watched, and how many watched.
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
  const worst = heard.reduce((a, b) => a.delivered < b.delivered ? a : b);
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

/** Whether a row is of Trunkline. */
export const isOurs = (row: CountRow): row is PresenceRow => row.peer === "trunkline";

/** A count must not cost more for more members: so many times as much at the most. */
const MOST_GROWTH = 2;
/** What a member may take on a node, in bytes. */
const MOST_BYTES = 300;
/** How long it may take until all who watch know, in milliseconds. */
const MOST_MS = 1_000;
/** How many frames a watcher may be sent for so many joins. */
const MOST_FRAMES = 1;
const JOINS = 100;

/** Judges rows. */
export function presenceVerdicts(rows: readonly CountRow[]): Verdict[] {
  return rows.filter(isOurs).flatMap((row) => {
    const { heapBytes, watching: { ms, framesPerWatcher, joins, watchers } } = row;
    const of = (what: string) => `${nameOf(row)}, ${what}`;
    return [
      verdict(of("a count of all"), growthOf(row), { atMost: MOST_GROWTH }, "× one of few"),
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

/** How many times as much a count of all costs as one of few: the least it took, so that a busy moment counts little. */
const growthOf = ({ countUs, countFewUs }: CountRow): number => countUs.min / countFewUs.median;

/** What of Trunkline is not as it must be: who was not known everywhere, or not told. */
export function presenceFaults(rows: readonly CountRow[]): string[] {
  return rows.filter(isOurs).flatMap((row) => {
    const { delivered, expected, watching } = row;
    const where = `presence: ${nameOf(row)}`;
    const heard = watching.delivered === watching.expected && watching.once;
    return [
      ...(delivered === expected ? [] : [`${where}: ${delivered} of ${expected} came and left everywhere`]),
      ...(heard
        ? []
        : [`${where}: watchers heard ${watching.delivered} of ${watching.expected}, or not each once`]),
    ];
  });
}
