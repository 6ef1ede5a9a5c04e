/**
 * What Trunkline is to reach, and what came of it.
 *
 * @module
 */

import type { Bench } from "./benches.ts";
import type { Row } from "./rows.ts";
import type { Runtime } from "./runtimes.ts";
import { UNITS } from "./units.ts";

/** What a benchmark's figure is to be on one runtime. */
export interface Aim {
  readonly runtime: Runtime;
  /** The server whose figure is the unit; without one the figure itself counts. */
  readonly than?: { readonly server: string; readonly runtime: Runtime };
  /** Not less than this, or not more. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Whether something was reached. */
export interface Verdict {
  /** What was to be reached. */
  readonly aim: string;
  /** What was found. */
  readonly found: string;
  readonly reached: boolean;
}

const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));

/**
 * Judges a figure.
 *
 * @param what Whose figure it is.
 * @param found The figure.
 * @param limits What it is to be.
 * @param unit What it is counted in.
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

/** Judges a benchmark's rows: of medians, and only where everything was delivered. */
export function verdictsOf(
  { figure, reach = [] }: Pick<Bench, "figure" | "reach">,
  rows: readonly Row[],
): Verdict[] {
  const medianOf = (row: Row | undefined) => row?.[figure]?.median ?? NaN;
  return reach.map(({ runtime, than, ...limits }) => {
    const ours = rows.find((row) => row.peer === "trunkline" && row.runtime === runtime);
    const theirs = rows.find((row) => row.server === than?.server && row.runtime === than.runtime);
    const complete = ours !== undefined && ours.delivered === ours.expected && ours.ordered !== false;
    const found = than ? medianOf(ours) / medianOf(theirs) : medianOf(ours);
    const unit = than ? `× ${than.server} (${than.runtime})` : UNITS[figure];
    const judged = verdict(`trunkline (${runtime})`, found, limits, unit);
    return complete ? judged : { ...judged, found: "not everything was delivered", reached: false };
  });
}

/** Judges what is left of connections that came and went: what the hub counts, and the heap. */
export function nothingLeft(rows: readonly Row[]): Verdict[] {
  return rows.filter(({ peer }) => peer === "trunkline").map(({ runtime, stats = {}, heapGrowthMb }) => {
    const left = Object.entries(stats).filter(([, count]) => count !== 0);
    return {
      aim:
        `trunkline (${runtime}): nothing is counted afterwards, and the heap is at most ${MAX_HEAP_GROWTH_MB} MB larger`,
      found: `${
        left.length === 0 ? "nothing" : left.map(([name, count]) => `${count} ${name}`).join(", ")
      }, ` +
        `${digits(heapGrowthMb.median)} MB`,
      reached: left.length === 0 && heapGrowthMb.median <= MAX_HEAP_GROWTH_MB,
    };
  });
}

/** What compiled code and warm caches take; 10,000 connections that stayed would take more. */
const MAX_HEAP_GROWTH_MB = 5;

/** A table of verdicts in Markdown. */
export function reachTable(
  verdicts: readonly { readonly bench: string; readonly verdict: Verdict }[],
): string {
  return [
    "| benchmark | to be reached | found | reached |",
    "|---|---|---|---|",
    ...verdicts.map(({ bench, verdict: { aim, found, reached } }) =>
      `| ${bench} | ${aim} | ${found} | ${reached ? "yes" : "**no**"} |`
    ),
  ].join("\n");
}
