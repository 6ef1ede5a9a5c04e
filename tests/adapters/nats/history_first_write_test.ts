/** A channel that is looked at while its first message is written has lost nothing: others would begin new epochs for it. */
import { assertEquals } from "@std/assert";
import { type Batch, encodeBatch } from "../../../adapters/nats/history/batch.ts";
import type { LogStream, Stored } from "../../../adapters/nats/history/log_stream.ts";
import { TopicLog } from "../../../adapters/nats/history/topic_log.ts";
import { test } from "../../harness.ts";

/** A stream whose first answers a test decides about, and how many rounds it has begun. */
function scene(...answers: (Stored | undefined | Promise<Stored | undefined>)[]) {
  let rounds = 0;
  const stream = {
    replicas: 1,
    reaches: () => Promise.resolve(true),
    ready: () => Promise.resolve({ life: "L", round: rounds, seq: 1 }),
    head: () => Promise.resolve({ life: "L", round: rounds, seq: 1 }),
    subjectOf: () => "s",
    newest: async () => {
      const stored = await answers.shift();
      return stored && { stored, last: stored.seq };
    },
    nextRound: () => Promise.resolve(void rounds++),
  } as unknown as LogStream;
  return { stream, log: new TopicLog("c"), rounds: () => rounds };
}

const FIRST: Batch = {
  ...{ epoch: "L.0", first: 1, node: "n", size: 8, ttlMs: Infinity, brief: false, floor: 1, earlier: [] },
  ...{ keys: new Map(), records: ['"x"'] },
};
const STORED: Stored = { seq: 5, subject: "s", at: 0, data: encodeBatch(FIRST) };

test("nats history: a node that reads while the first message is written begins no new round", async () => {
  const late = Promise.withResolvers<undefined>();
  const { stream, log, rounds } = scene(undefined, late.promise, STORED);
  assertEquals((await log.top(stream)).position, ["L.0", 0]);
  const looking = log.top(stream);
  await Promise.resolve();
  log.wrote("s", { seq: 5, at: 0, batch: FIRST });
  late.resolve(undefined); // it was asked for before
  assertEquals([(await looking).position, rounds()], [["L.0", 1], 0]);
});

test("nats history: a node that finds a known topic empty begins a new round", async () => {
  const { stream, log, rounds } = scene(STORED, undefined, undefined);
  assertEquals((await log.top(stream)).position, ["L.0", 1]);
  assertEquals([(await log.top(stream)).position, rounds()], [["L.1", 0], 1]);
});
