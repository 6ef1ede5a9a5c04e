/**
 * Benchmarks of Trunkline alone, each of which has its own way to run and to be reported.
 *
 * @module
 */

import type { Runtime } from "./runtimes.ts";

/** A benchmark that compares Trunkline with a limit, or with itself. */
export interface Study<Rows = unknown> {
  /** Its name, on the command line and in `results/`. */
  readonly name: string;
  /** What it does, for the report. */
  readonly what: string;
  /**
   * Runs it.
   *
   * @param paths Where the runtimes are.
   * @param say Called with lines for the terminal.
   */
  run(paths: Readonly<Partial<Record<Runtime, string>>>, say: (line: string) => void): Promise<{
    readonly rows: Rows;
    /** What is not as it must be; empty when all is well. */
    readonly faults: readonly string[];
  }>;
  /**
   * Reports what a run yielded.
   *
   * @returns Markdown, which may show the drawings by their name; and those, as SVG.
   */
  report(rows: Rows): { readonly text: string; readonly drawings?: Readonly<Record<string, string>> };
}
