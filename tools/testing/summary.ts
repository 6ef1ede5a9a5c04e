/**
 * The end of a test run, in words.
 *
 * @module
 */

import type { TestCase } from "./junit.ts";

/** What became of the tests of one runtime. */
export interface Report {
  /** The runtime's name. */
  readonly runtime: string;
  readonly cases: readonly TestCase[];
}

/** A number of tests by result. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts tests by result.
 *
 * @param cases The tests.
 * @returns The numbers.
 */
export function count(cases: readonly TestCase[]): Totals {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const { result } of cases) totals[result]++;
  return totals;
}

/**
 * Sums up a test run: what it ran with, what failed, what was skipped and why, and the numbers.
 *
 * @param reports The runtimes' reports.
 * @param origins What was there for the tests, and where it came from.
 * @returns The text; its last line holds the numbers of all runtimes together.
 */
export function summarize(reports: readonly Report[], origins: readonly string[] = []): string {
  const lines = origins.map((origin) => `with     ${origin}`);
  for (const result of ["failed", "skipped"] as const) {
    for (const { runtime, cases } of reports) {
      for (const { name } of cases.filter((one) => one.result === result)) {
        lines.push(`${result}  ${runtime}: ${name}`);
      }
    }
  }
  for (const { runtime, cases } of reports) lines.push(`${runtime}: ${inWords(count(cases))}`);
  lines.push(inWords(count(reports.flatMap(({ cases }) => cases))));
  return lines.join("\n");
}

function inWords({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
