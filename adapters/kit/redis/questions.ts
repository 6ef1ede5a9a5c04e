/**
 * Calls that ask the same of different keys. All calls of one turn share runs of one script.
 *
 * @module
 */

import { commandOf, type Script } from "./script.ts";

/** What the calls ask. */
export interface Question {
  /** The script. It answers with a list, which has one answer for each key of a call. */
  readonly script: Script;
  /** The most calls that share a run: while it runs, the server does nothing else. */
  readonly most: number;
  /** The keys that each run gets before those of its calls. */
  keys(part: number): readonly string[];
  /** The arguments of each run. */
  args(): readonly string[];
}

/** A call that waits. */
export interface Asked {
  readonly key: string;
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** A run of the script. When it is settled, all its calls are. */
export interface Run {
  readonly command: readonly string[];
  readonly script: Script;
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

/**
 * Makes runs from the calls that wait in one part.
 *
 * @param part The part.
 * @param waiting The calls, by what they ask.
 */
export function runsOf(part: number, waiting: ReadonlyMap<Question, readonly Asked[]>): Run[] {
  const runs: Run[] = [];
  for (const [{ script, most, keys, args }, all] of waiting) {
    for (let i = 0; i < all.length; i += most) {
      const asked = all.slice(i, i + most);
      runs.push({
        command: commandOf(script, [...keys(part), ...asked.map(({ key }) => key)], args()),
        script,
        resolve: (reply) => asked.forEach((one, i) => one.resolve((reply as readonly unknown[])[i])),
        reject: (error) => asked.forEach((one) => one.reject(error)),
      });
    }
  }
  return runs;
}
