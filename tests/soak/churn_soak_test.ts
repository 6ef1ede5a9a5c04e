import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { runtime, test, waitFor } from "../harness.ts";
import { type ChurnNode, Figures, startCluster } from "./cluster.ts";
import { settledHeapBytes } from "./heap.ts";
import { createRandom, liveByTheBook, liveRudely, type World } from "./lives.ts";

/** How long the churn takes, warming up not included. */
const SECONDS = Number(process.env.CHURN_SECONDS ?? 15);
const WARM_UP_SECONDS = Math.min(10, SECONDS / 2);
const SEED = Number(process.env.CHURN_SEED ?? 1);

/** How many clients live at once. */
const CONCURRENCY = 24;

/**
 * How much larger the heap may be after the churn than before it. What the runtimes keep of their own (compiled code,
 * pools of sockets) has been seen to take up to 0.3 MB more after a minute. A leak of 250 bytes per client shows:
 * at least 4,000 of them come and go in a quarter of a minute.
 */
const SLACK_BYTES = 2 ** 20;

/** Lets clients come and go for some time. */
async function churn(world: World, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    while (performance.now() < end) {
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
  `churn: after ${SECONDS} s of clients that come, go, send and vanish nothing is left of them`,
  async () => {
    const errors: unknown[] = [];
    const report = (error: unknown) => {
      if (errors.length < 20) errors.push(error);
    };
    await using cluster = await startCluster(2, report);
    const { nodes } = cluster;
    const figures = new Figures();
    const world: World = { nodes, figures, random: createRandom(SEED), report };

    await churn(world, WARM_UP_SECONDS);
    const before = await settledHeap(nodes);
    const warmUp = figures.connections;
    await churn(world, SECONDS);
    const after = await settledHeap(nodes);

    const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MB`;
    console.log(`churn on ${runtime}: ${figures} in ${WARM_UP_SECONDS + SECONDS} s`);
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
