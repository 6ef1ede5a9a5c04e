/**
 * The answers to the writes of one connection.
 *
 * @module
 */

/**
 * Settles writes in the order in which they were sent. The client libraries do not: when the answers to two writes come
 * together, they tell of one without errors before they tell of one that ends with an error.
 */
export class InOrder {
  /** The newest write, until it is settled. */
  #newest: Promise<unknown> | undefined;

  /**
   * @param answers The answers to the newest write. They never reject.
   * @returns The answers, after those to all earlier writes.
   */
  settle<T>(answers: Promise<T>): Promise<T> {
    const settled = this.#newest?.then(() => answers) ?? answers;
    this.#newest = settled;
    void settled.then(() => { // does not keep the answers
      if (this.#newest === settled) this.#newest = undefined;
    });
    return settled;
  }
}

/** The part of a pipeline of ioredis that is used. */
interface Pipeline {
  exec(): Promise<readonly (readonly [error: Error | null, result: unknown])[] | null>;
}

/**
 * Sends a pipeline of ioredis in one write.
 *
 * @param pipeline The pipeline.
 * @param length The number of its commands.
 * @returns The answer to each command, or the error. Never rejects.
 */
export async function answersOf(pipeline: Pipeline, length: number): Promise<readonly unknown[]> {
  const answers: unknown[] = [];
  try {
    const results = await pipeline.exec();
    for (let i = 0; i < length; i++) {
      const result = results?.[i];
      answers.push(result ? result[0] ?? result[1] : new Error("The connection is closed"));
    }
  } catch (error) {
    while (answers.length < length) answers.push(error);
  }
  return answers;
}
