/**
 * A server of Redis whose answers a test gives.
 *
 * @module
 */

import type { Question } from "../../../adapters/kit/redis/questions.ts";
import { Batches, type RedisCommand, type RedisReach } from "../../../adapters/kit/redis/reach.ts";
import { script } from "../../../adapters/kit/redis/script.ts";
import type { Clock } from "../../../contract/clock.ts";
import { microtaskClock } from "../../fake_clock.ts";

/** What the calls run. */
export const SCRIPT = script("return ARGV[1]");
/** What the calls ask. */
export const QUESTION: Question = {
  script: SCRIPT,
  most: 3,
  keys: () => ["shared"],
  args: () => ["last"],
};
/** The answer of a server that does not know the script. */
export const NOSCRIPT = new Error("NOSCRIPT No matching script");

/** A write that waits for its answers. */
export interface ScriptedWrite {
  /** The name and the last argument of each command. */
  readonly names: string[];
  readonly commands: readonly RedisCommand[];
  answer(...replies: unknown[]): void;
}

/** How the writes are made. */
export interface ScriptedWritesOptions {
  readonly clock?: Pick<Clock, "endOfTurn">;
  readonly patience?: RedisReach["patience"];
}

/** Writes that are answered when the test says so. */
export function scriptedWrites({ clock = microtaskClock, patience }: ScriptedWritesOptions = {}) {
  const sent: ScriptedWrite[] = [];
  const batches = new Batches({
    partOf: () => 0,
    keysOf: () => "",
    run: (_part, commands) =>
      new Promise((resolve) =>
        sent.push({
          names: commands.map((command) => `${command[0]} ${command.at(-1)}`),
          commands,
          answer: (...replies) => resolve(replies),
        })
      ),
    explain: (error) => error,
    ...(patience && { patience }),
  }, clock);
  const run = (row: string | undefined, what: string) => batches.runPatiently(row, 0, SCRIPT, [], what);
  const ask = (part: number, key: string) => batches.ask(part, QUESTION, key);
  return { sent, run, ask };
}
