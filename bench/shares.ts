/**
 * Shapes of one load on Trunkline, and what share of the first shape's speed the others have. All are measured in the same
 * run, in turn.
 *
 * @module
 */

import { Budget } from "./budget.ts";
import { candidates } from "./candidates.ts";
import type { GroupsOrder, LoadOrder, Unaddressed } from "./load/main.ts";
import type { Outcome } from "./load/outcome.ts";
import { underLoad } from "./measure.ts";
import { type Range, range } from "./range.ts";
import { isWhole, type Verdict, verdict } from "./reach.ts";
import type { Study } from "./study.ts";
import { short } from "./svg.ts";

/** A load, for a dialect and a port that are given apart. */
type ShapeLoad = Unaddressed<LoadOrder> | Unaddressed<GroupsOrder>;

/** A shape: a load, and the dialect that the clients speak. */
export interface Shape {
  readonly name: string;
  readonly dialect: string;
  readonly load: ShapeLoad;
  /** The load of a quick run. */
  readonly quick: ShapeLoad;
  /** The target: at least this share of the first shape's speed. */
  readonly atLeast?: number;
}

/** A shape on one runtime. */
export interface ShareRow {
  readonly shape: string;
  readonly runtime: string;
  readonly deliveriesPerCpuSecond: Range;
  readonly delivered: number;
  readonly expected: number;
  /** Whether a listener got every message once and in order, in every repetition; absent if the load does not check it. */
  readonly ordered?: boolean;
  readonly repetitions: number;
}

/** A study of shapes. */
export interface SharesOptions {
  readonly name: string;
  readonly what: string;
  /** What a reader must know about the shapes. */
  readonly text: string;
  /** The heading of the shapes' column. */
  readonly heading: string;
  /** The shapes. The first is the one that the others are compared with. */
  readonly shapes: readonly [Shape, ...Shape[]];
}

/** A study of shapes, which can also be measured apart. */
export interface SharesStudy extends Study<readonly ShareRow[]> {
  /** The shapes. */
  readonly shapes: readonly Shape[];
}

const ranged = ({ median, min, max }: Range): string => `${short(median)} (${short(min)}–${short(max)})`;

/** The speed of a row as a share of the first shape's, on the same runtime. */
function shareOf({ runtime, deliveriesPerCpuSecond }: ShareRow, first: string, rows: readonly ShareRow[]) {
  const base = rows.find((row) => row.shape === first && row.runtime === runtime);
  return deliveriesPerCpuSecond.median / (base?.deliveriesPerCpuSecond.median ?? NaN);
}

/** Compares the shapes with their targets. A shape counts only if everything was delivered, in order. */
export function shareVerdicts(
  [first, ...others]: SharesOptions["shapes"],
  rows: readonly ShareRow[],
): Verdict[] {
  return others.flatMap(({ name, atLeast }) => {
    if (atLeast === undefined) return [];
    return rows.filter((row) => row.shape === name).map((row) => {
      const share = shareOf(row, first.name, rows);
      const judged = verdict(`trunkline (${row.runtime}), ${name}`, share, { atLeast }, `× ${first.name}`);
      return isWhole(row) ? judged : { ...judged, found: "not everything was delivered", reached: false };
    });
  });
}

function toRow(shape: string, runtime: string, outcomes: readonly Outcome[]): ShareRow {
  const sum = (which: "delivered" | "expected") => outcomes.reduce((sum, outcome) => sum + outcome[which], 0);
  const checked = outcomes.some(({ ordered }) => ordered !== undefined);
  return {
    shape,
    runtime,
    deliveriesPerCpuSecond: range(outcomes.map(({ delivered, cpuMs }) => delivered / cpuMs * 1_000)),
    delivered: sum("delivered"),
    expected: sum("expected"),
    ...(checked && { ordered: outcomes.every(({ ordered }) => ordered) }),
    repetitions: outcomes.length,
  };
}

/**
 * Makes a study that measures shapes on every runtime. The shapes take turns, so that a busy moment of the machine affects all.
 *
 * @param options The shapes, and the texts of the report.
 */
export function studyOfShares(
  { name: study, what, text, heading, shapes }: SharesOptions,
): SharesStudy {
  const [{ name: first }] = shapes;
  return {
    shapes,
    name: study,
    what,
    canBeQuick: true,
    repetitions: 5,
    withinS: 65,
    report(rows) {
      const lines = rows.map((row) =>
        `| ${row.shape} | ${row.runtime} | ${ranged(row.deliveriesPerCpuSecond)} | ${
          shareOf(row, first, rows).toFixed(2)
        } × |`
      );
      const head = `| ${heading} | runtime | deliveries per CPU second: median (range) | of ${first} |`;
      return { text: [`${text}\n`, head, "|---|---|---|---|", ...lines].join("\n") };
    },
    reach: (rows) => shareVerdicts(shapes, rows),
    async run(paths, say, { quick, repetitions, withinMs }) {
      const rows: ShareRow[] = [];
      for (const candidate of candidates.filter(({ kind }) => kind === "trunkline")) {
        if (!paths[candidate.runtime]) continue;
        const measured = shapes.map((shape) => ({ shape, outcomes: [] as Outcome[] }));
        const budget = new Budget(withinMs / 2); // there are two runtimes
        for (const _round of budget.rounds(repetitions)) {
          for (const { shape, outcomes } of measured) {
            const { dialect, load, quick: less } = shape;
            await budget.spend(shape, "trunkline", async () => {
              outcomes.push(await underLoad<Outcome>({ ...candidate, dialect }, quick ? less : load, paths));
            });
          }
        }
        for (const { shape, outcomes } of measured) {
          const row = toRow(shape.name, candidate.runtime, outcomes);
          rows.push(row);
          say(
            `${row.shape} (${row.runtime}) ${ranged(row.deliveriesPerCpuSecond)} deliveries per CPU second`,
          );
        }
      }
      const faults = rows.filter((row) => !isWhole(row)).map((row) =>
        `${study}: ${row.shape} (${row.runtime}): ${row.delivered} of ${row.expected}${
          row.ordered === false ? ", not in order" : ""
        }`
      );
      return { rows, faults };
    },
  };
}
