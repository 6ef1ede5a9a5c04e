/**
 * Benchmarks each of which has its own way to run and to be reported.
 *
 * @module
 */

import type { Verdict } from "./reach.ts";
import type { Runtime } from "./runtimes.ts";

/** How much of a study to do. */
export interface Effort {
  /** Whether a quick look is enough. */
  readonly quick: boolean;
  /** How often to measure, where the study leaves it open. */
  readonly repetitions: number;
}

/** A benchmark that has rows of its own. */
export interface Study<Rows = unknown> {
  /** Its name, on the command line and in `results/`. */
  readonly name: string;
  /** What it does, for the report. */
  readonly what: string;
  /** Whether it has a quick look, whose figures are not kept; else it does the same always. */
  readonly canBeQuick?: boolean;
  /**
   * How often it measures unless it is told.
   *
   * @default {3}
   */
  readonly repetitions?: number;
  /**
   * Runs it.
   *
   * @param paths Where the runtimes are.
   * @param say Called with lines for the terminal.
   * @param effort How much of it.
   */
  run(
    paths: Readonly<Partial<Record<Runtime, string>>>,
    say: (line: string) => void,
    effort: Effort,
  ): Promise<{
    readonly rows: Rows;
    /** What is not as it must be; empty when all is well. */
    readonly faults: readonly string[];
  }>;
  /**
   * Reports what a run yielded.
   *
   * @returns Markdown, which may show the drawings by their name; those, as SVG; and what of it is repeated in other
   * documents, by their path from the root.
   */
  report(rows: Rows): {
    readonly text: string;
    readonly drawings?: Readonly<Record<string, string>>;
    readonly excerpts?: Readonly<Record<string, string>>;
  };
  /** Judges what a run yielded, where something is to be reached. */
  reach?(rows: Rows): Verdict[];
}
