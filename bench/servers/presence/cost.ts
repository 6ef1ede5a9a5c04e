/**
 * What a question costs the process that asks, of several rooms in turn, so that a busy moment hits all alike.
 *
 * @module
 */

/** A batch of questions takes at least so long, in milliseconds: clocks do not show less. */
const BATCH_MS = 2;
const BATCHES = 31;

/**
 * Measures.
 *
 * @param questions What to ask, in turn.
 * @returns For each the microseconds from question to answer: the least of all batches, as whatever else the machine does only
 * adds to it.
 */
export async function costs(questions: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const batch = async (ask: () => Promise<unknown>, size: number) => {
    const start = performance.now();
    for (let i = 0; i < size; i++) await ask();
    return performance.now() - start;
  };
  let size = 1;
  while (Math.min(...await inTurn(questions, (ask) => batch(ask, size))) < BATCH_MS) size *= 2;
  const least = questions.map(() => Infinity);
  for (let i = 0; i < BATCHES; i++) {
    const found = await inTurn(questions, (ask) => batch(ask, size));
    for (const [i, ms] of found.entries()) least[i] = Math.min(least[i]!, ms / size * 1_000);
  }
  return least;
}

async function inTurn<T, R>(all: readonly T[], visit: (one: T) => Promise<R>): Promise<R[]> {
  const found: R[] = [];
  for (const one of all) found.push(await visit(one));
  return found;
}
