/**
 * A figure that was measured several times.
 *
 * @module
 */

/** A figure of several repetitions. */
export interface Range {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The median of values, and their range. */
export function range(values: readonly number[]): Range {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  const round = (value: number) => Number(value.toPrecision(4));
  return { median: round(median), min: round(sorted[0]!), max: round(sorted.at(-1)!) };
}

/** The repetition of which the smallest share arrived. Their loads may differ, so the numbers by themselves do not tell. */
export function worstOf<Outcome extends { readonly delivered: number; readonly expected: number }>(
  outcomes: readonly Outcome[],
): Outcome {
  const share = ({ delivered, expected }: Outcome) => delivered / expected;
  return outcomes.reduce((a, b) => share(a) <= share(b) ? a : b);
}
