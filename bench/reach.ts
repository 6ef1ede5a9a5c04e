/**
 * The targets of Trunkline, and whether it reaches them.
 *
 * @module
 */

import type { Bench } from "./benches.ts";
import type { Row } from "./rows.ts";
import type { Runtime } from "./runtimes.ts";
import { UNITS } from "./units.ts";

/** The target of a benchmark's figure on one runtime. */
export interface Aim {
  readonly runtime: Runtime;
  /** The server to compare with: the target is a multiple of its figure. Absent if the target is the figure itself. */
  readonly than?: { readonly server: string; readonly runtime: string };
  /** Not less than this, or not more. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Whether a target is reached. */
export interface Verdict {
  /** The target. */
  readonly aim: string;
  /** The measured figure. */
  readonly found: string;
  readonly reached: boolean;
}

const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));

/**
 * Compares a figure with its target.
 *
 * @param what The name of the figure.
 * @param found The figure.
 * @param limits The target.
 * @param unit The unit of the figure.
 */
export function verdict(
  what: string,
  found: number,
  { atLeast = -Infinity, atMost = Infinity }: Pick<Aim, "atLeast" | "atMost">,
  unit: string,
): Verdict {
  const limit = atMost === Infinity ? `≥ ${atLeast}` : atMost === 0 ? "no" : `≤ ${atMost}`;
  return {
    aim: `${what}: ${limit} ${unit}`,
    found: digits(found),
    reached: found >= atLeast && found <= atMost,
  };
}

/** Whether everything was delivered, in order: a row counts only then. */
export const isWhole = (
  { delivered, expected, ordered }: Pick<Row, "delivered" | "expected" | "ordered">,
): boolean => delivered === expected && ordered !== false;

const NOT_WHOLE = "not everything was delivered";

/** Compares a benchmark's medians with their targets. A row of any server counts only if everything was delivered, in order. */
export function verdictsOf(
  { figure, reach = [] }: Pick<Bench, "figure" | "reach">,
  rows: readonly Row[],
): Verdict[] {
  const medianOf = (row: Row | undefined) => row?.[figure]?.median ?? NaN;
  return reach.map(({ runtime, than, ...limits }) => {
    const ours = rows.find((row) => row.peer === "trunkline" && row.runtime === runtime);
    if (!than) {
      const judged = verdict(`trunkline (${runtime})`, medianOf(ours), limits, UNITS[figure]);
      return ours && isWhole(ours) ? judged : { ...judged, found: NOT_WHOLE, reached: false };
    }
    const theirs = rows.find((row) => row.server === than.server && row.runtime === than.runtime);
    const judged = verdict(
      `trunkline (${runtime})`,
      medianOf(ours) / medianOf(theirs),
      limits,
      `× ${than.server} (${than.runtime})`,
    );
    if (!ours || !isWhole(ours)) return { ...judged, found: NOT_WHOLE, reached: false };
    return theirs && isWhole(theirs)
      ? judged
      : { ...judged, found: "there is nothing to compare with", reached: false };
  });
}

/** Checks that closed connections leave nothing behind: in the hub's counts, and on the heap. */
export function nothingLeft(rows: readonly Row[]): Verdict[] {
  return rows.filter(({ peer }) => peer === "trunkline").map(({ runtime, stats = {}, heapGrowthMb }) => {
    // The counts of refused clients are in an object, and never fall.
    const left = Object.entries(stats).filter(([, count]) => typeof count === "number" && count !== 0);
    return {
      aim:
        `trunkline (${runtime}): afterwards all counts are 0, and the heap is at most ${MAX_HEAP_GROWTH_MB} MB larger`,
      found: `${
        left.length === 0 ? "nothing" : left.map(([name, count]) => `${count} ${name}`).join(", ")
      }, ` +
        `${digits(heapGrowthMb.median)} MB`,
      reached: left.length === 0 && heapGrowthMb.median <= MAX_HEAP_GROWTH_MB,
    };
  });
}

/** The size of compiled code and warm caches. 10,000 connections that stay open would take more. */
const MAX_HEAP_GROWTH_MB = 5;

/** A table of verdicts in Markdown. */
export function reachTable(
  verdicts: readonly { readonly bench: string; readonly verdict: Verdict }[],
): string {
  return [
    "| benchmark | target | measured | reached |",
    "|---|---|---|---|",
    ...verdicts.map(({ bench, verdict: { aim, found, reached } }) =>
      `| ${bench} | ${aim} | ${found} | ${reached ? "yes" : "**no**"} |`
    ),
  ].join("\n");
}
