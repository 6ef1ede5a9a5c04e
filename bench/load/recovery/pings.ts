/**
 * Clients of a node that ask it at a steady rate, whether it has answered the last time or not: how it serves those who stay while others come.
 *
 * @module
 */

import { type Percentiles, percentiles } from "../outcome.ts";
import { connects, type RecoveringClient } from "./clients.ts";
import { gather, tell } from "./crowd.ts";

/** What the load is told. */
export interface PingsLoad {
  /** Where the nodes listen; the last one is asked. */
  readonly ports: readonly number[];
  /** Whose clients they are. */
  readonly dialect: string;
  readonly clients: number;
  /** How long from one question of a client to the next, in milliseconds. */
  readonly everyMs: number;
}

/** What came of it. */
export interface PingsOutcome {
  /** Until the answer was there, in milliseconds. */
  readonly latency: Percentiles;
  readonly answered: number;
  /** How many questions had no answer, or another one. */
  readonly failed: number;
}

/** The stories of those who stay are not those of the others. */
const FIRST_STORY = 1_000_000;

/** Asks, from when it has said that it is ready until it is told to end (SIGTERM). */
export async function pings({ ports, dialect, clients, everyMs }: PingsLoad): Promise<PingsOutcome> {
  const people: RecoveringClient[] = [];
  await gather(clients, async (client) => {
    const isLive = Promise.withResolvers<void>();
    const seat = { ports: ports.slice(-1), story: FIRST_STORY + client };
    people.push(connects[dialect]!(seat, { hear() {}, live: () => isLive.resolve(), lose() {} }));
    await isLive.promise;
  });
  const latencies: number[] = [];
  const waiting = new Set<number>();
  let failed = 0;
  const ask = async (person: RecoveringClient) => {
    const start = performance.now();
    waiting.add(start);
    try {
      await person.ping();
      latencies.push(performance.now() - start);
    } catch {
      failed++;
    }
    waiting.delete(start);
  };
  let turn = 0;
  const timer = setInterval(() => void ask(people[turn++ % clients]!), everyMs / clients);
  tell({ ready: true });
  await new Promise<void>((resolve) => process.once("SIGTERM", () => resolve()));
  clearInterval(timer);
  // Who still waits has waited for so long at least.
  for (const start of waiting) latencies.push(performance.now() - start);
  return { latency: percentiles(Float64Array.from(latencies)), answered: latencies.length, failed };
}
