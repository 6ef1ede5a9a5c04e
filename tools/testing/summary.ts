/**
 * The end of a test run, in words.
 *
 * @module
 */

import type { TestCase } from "./junit.ts";

/** How many lines, and how many characters of each, are repeated of what a failed test said. */
const MAX_LINES = 12;
const MAX_LENGTH = 300;

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
 * Sums up a test run: what it ran with, what was skipped and why, what failed and what it said, and the numbers. What
 * failed comes last, where whoever keeps only the end of a long output still finds it.
 *
 * @param reports The runtimes' reports.
 * @param origins What was there for the tests, and where it came from.
 * @returns The text; its last line holds the numbers of all runtimes together.
 */
export function summarize(reports: readonly Report[], origins: readonly string[] = []): string {
  const lines = origins.map((origin) => `with     ${origin}`);
  for (const result of ["skipped", "failed"] as const) {
    for (const { runtime, cases } of reports) {
      for (const { name, said } of cases.filter((one) => one.result === result)) {
        lines.push(`${result}  ${runtime}: ${name}`);
        if (said !== undefined) lines.push(...excerpt(said));
      }
    }
  }
  for (const { runtime, cases } of reports) lines.push(`${runtime}: ${inWords(count(cases))}`);
  lines.push(inWords(count(reports.flatMap(({ cases }) => cases))));
  return lines.join("\n");
}

/** The beginning of what a test said, moved in. */
function excerpt(said: string): string[] {
  return said.split("\n").slice(0, MAX_LINES).map((line) => `         ${line.slice(0, MAX_LENGTH)}`);
}

function inWords({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
