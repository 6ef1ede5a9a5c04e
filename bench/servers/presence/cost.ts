/**
 * The cost of a question for the process that asks. The rooms take turns, so that a busy moment affects all of them.
 *
 * @module
 */

/** A batch of questions takes at least so long, in milliseconds, because clocks cannot measure less. */
const BATCH_MS = 2;
const BATCHES = 31;

/**
 * Measures questions.
 *
 * @param questions The questions, in turn.
 * @returns The microseconds from question to answer, for each question. It is the minimum of all batches, because other work
 * of the machine only adds time.
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
