import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { runtime, test, waitFor } from "../harness.ts";
import { type ChurnNode, Figures, startCluster } from "./cluster.ts";
import { settledHeapBytes } from "./heap.ts";
import { createRandom, liveByTheBook, liveRudely, type World } from "./lives.ts";

/** How long the churn takes at most, warming up not included. */
const SECONDS = Number(process.env.CHURN_SECONDS ?? 15);
const WARM_UP_SECONDS = Math.min(10, SECONDS / 2);
/** With so many clients the churn ends earlier, unless it was told how long to take: a leak of each shows by then. */
const LIVES = process.env.CHURN_SECONDS ? Infinity : 6_000;
const WARM_UP_LIVES = LIVES / 2;
const SEED = Number(process.env.CHURN_SEED ?? 1);

/** How many clients live at once. */
const CONCURRENCY = 24;

/**
 * How much larger the heap may be after the churn than before it. What the runtimes keep of their own (compiled code,
 * pools of sockets) has been seen to take up to 0.3 MB more after a minute. A leak of 250 bytes per client shows:
 * 6,000 of them come and go, or, on a machine with much else to do, as many as do so in a quarter of a minute.
 */
const SLACK_BYTES = 2 ** 20;

/** Lets clients come and go, for some time or until so many have come. */
async function churn(world: World, seconds: number, lives: number): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  const last = world.figures.connections + lives;
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    while (performance.now() < end && world.figures.connections < last) {
      await (world.random(4) === 0 ? liveRudely(world) : liveByTheBook(world));
    }
  }));
}

/** Waits until nothing is left of anybody, and tells the size of the heap. */
async function settledHeap(nodes: readonly ChurnNode[]): Promise<number> {
  for (const { hub, connections } of nodes) {
    // What is kept of topics with history is looked through every ten seconds.
    await waitFor(() => Object.values({ ...hub.stats(), refused: 0 }).every((count) => count === 0), {
      what: `all counts to be zero: ${JSON.stringify(hub.stats())}`,
      timeoutMs: 25_000,
    });
    assertEquals(connections.size, 0);
    assertEquals(hub.cluster.nodes().length, nodes.length);
  }
  return await settledHeapBytes();
}

test(
  "churn: nothing is left of clients that come, go, send and vanish",
  async () => {
    const errors: unknown[] = [];
    const report = (error: unknown) => {
      if (errors.length < 20) errors.push(error);
    };
    await using cluster = await startCluster(2, report);
    const { nodes } = cluster;
    const figures = new Figures();
    const world: World = { nodes, figures, random: createRandom(SEED), report };

    const start = performance.now();
    await churn(world, WARM_UP_SECONDS, WARM_UP_LIVES);
    const before = await settledHeap(nodes);
    const warmUp = figures.connections;
    await churn(world, SECONDS, LIVES);
    const seconds = (performance.now() - start) / 1_000;
    const after = await settledHeap(nodes);

    const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MB`;
    console.log(`churn on ${runtime}: ${figures} in ${seconds.toFixed(1)} s`);
    console.log(`heap: ${megabytes(before)} after ${warmUp} connections, ${megabytes(after)} at the end`);
    assertEquals(errors, []);
    assert(
      figures.connections > 10 * SECONDS && figures.delivered > figures.connections,
      "hardly anything happened",
    );
    assert(after - before < SLACK_BYTES, `The heap grew by ${megabytes(after - before)}`);
  },
  { timeoutMs: 1_000 * (2 * SECONDS + 60) },
);
