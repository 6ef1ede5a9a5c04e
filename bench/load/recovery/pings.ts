/**
 * Clients that send requests to their node at a steady rate, also before the last answer has arrived. They show how the
 * node serves its own clients while the clients of another node reconnect.
 *
 * @module
 */

import { type Percentiles, percentiles } from "../outcome.ts";
import { connects, type RecoveringClient } from "./clients.ts";
import { gather, tell } from "./crowd.ts";

/** The orders for the load. */
export interface PingsLoad {
  /** The ports of the nodes; the clients use the last one. */
  readonly ports: readonly number[];
  /** The kind of clients. */
  readonly dialect: string;
  readonly clients: number;
  /** The time from one request of a client to its next, in milliseconds. */
  readonly everyMs: number;
}

/** The result. */
export interface PingsOutcome {
  /** The time until the answer, in milliseconds. */
  readonly latency: Percentiles;
  readonly answered: number;
  /** How many requests got no answer, or a wrong one. */
  readonly failed: number;
}

/** These clients have other stories than the clients that reconnect. */
const FIRST_STORY = 1_000_000;

/** Prints that it is ready, and then sends requests until it gets SIGTERM. */
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
  // A request without an answer has waited at least until now.
  for (const start of waiting) latencies.push(performance.now() - start);
  return { latency: percentiles(Float64Array.from(latencies)), answered: latencies.length, failed };
}
