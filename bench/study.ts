/**
 * Studies: benchmarks that have their own way to run, and their own report.
 *
 * @module
 */

import type { Verdict } from "./reach.ts";
import type { Runtime } from "./runtimes.ts";

/** How often to measure. */
export interface Repetitions {
  /** How often to measure, if the study does not decide it. */
  readonly repetitions: number;
  /** How long the repetitions may take, in milliseconds: if there is no time for another one, there are fewer. */
  readonly withinMs: number;
}

/** How much of a study to do. */
export interface Effort extends Repetitions {
  /** Whether a quick run is enough. */
  readonly quick: boolean;
}

/** A benchmark that has rows of its own. */
export interface Study<Rows = unknown> {
  /** Its name, on the command line and in `results/`. */
  readonly name: string;
  /** What it does, for the report. */
  readonly what: string;
  /** Whether it has a quick run, whose figures are not kept. Otherwise every run is the same. */
  readonly canBeQuick?: boolean;
  /**
   * How often it measures by default.
   *
   * @default {3}
   */
  readonly repetitions?: number;
  /**
   * How long the repetitions may take, in seconds.
   *
   * @default {80}
   */
  readonly withinS?: number;
  /**
   * Runs it.
   *
   * @param paths The paths of the runtimes.
   * @param say Called with each line for the terminal.
   * @param effort How much to measure.
   */
  run(
    paths: Readonly<Partial<Record<Runtime, string>>>,
    say: (line: string) => void,
    effort: Effort,
  ): Promise<{
    readonly rows: Rows;
    /** The faults; empty if there are none. */
    readonly faults: readonly string[];
  }>;
  /**
   * Writes the report of a run.
   *
   * @returns The text in Markdown, which may show the drawings by their names; the drawings, as SVG; and excerpts for other
   * documents, by the path of the document from the root.
   */
  report(rows: Rows): {
    readonly text: string;
    readonly drawings?: Readonly<Record<string, string>>;
    readonly excerpts?: Readonly<Record<string, string>>;
  };
  /** Compares the results of a run with the targets, if there are any. */
  reach?(rows: Rows): Verdict[];
}
