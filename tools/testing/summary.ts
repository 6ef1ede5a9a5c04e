/**
 * The summary of a test run.
 *
 * @module
 */

import type { TestCase } from "./junit.ts";

/** How many lines of a failed test's text, and how many characters of each line, are repeated. */
const MAX_LINES = 12;
const MAX_LENGTH = 300;

/** The results of one runtime. */
export interface Report {
  /** The runtime's name. */
  readonly runtime: string;
  readonly cases: readonly TestCase[];
}

/** The numbers of tests by result. */
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
 * Sums up a test run: the requirements, the skipped tests with reasons, the failed tests with their texts, and the numbers. The
 * failed tests come last, so that they are at the end of a long output.
 *
 * @param reports The runtimes' reports.
 * @param origins The requirements that were available, and their origins.
 * @returns The text. Its last line has the numbers of all runtimes together.
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

/** The beginning of a test's text, indented. */
function excerpt(said: string): string[] {
  return said.split("\n").slice(0, MAX_LINES).map((line) => `         ${line.slice(0, MAX_LENGTH)}`);
}

function inWords({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
