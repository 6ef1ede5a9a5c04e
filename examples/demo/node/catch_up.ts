/**
 * A node learns the latest messages from the other nodes: before it serves clients, and after an outage of the backplane.
 *
 * @module
 */

import type { Message } from "../contract.ts";
import type { DemoHub } from "./create_hub.ts";
import type { Recent } from "./recent.ts";
import type { Traffic } from "./traffic.ts";

/** How long a node waits for the backplane. After that it serves without it; in milliseconds. */
const BACKPLANE_MS = 5_000;
/** How long a node waits for other nodes, in milliseconds. The first node of all waits the whole time. */
const WAIT_MS = 400;
const LOOK_MS = 20;

/**
 * Waits for the other nodes, with a time limit.
 *
 * @param hub The hub.
 * @param traffic Knows whether the backplane is up.
 */
export async function waitForOthers(hub: DemoHub, traffic: Traffic): Promise<void> {
  await until(() => traffic.backplane === "up", BACKPLANE_MS);
  await until(() => hub.cluster.nodes().length > 1, WAIT_MS);
}

async function until(condition: () => boolean, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!condition() && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/**
 * Asks the other nodes for messages that this node missed.
 *
 * @param hub The hub.
 * @param recent Keeps the messages.
 * @returns The new messages, and whether all nodes have answered.
 */
export async function catchUp(hub: DemoHub, recent: Recent): Promise<{ news: Message[]; complete: boolean }> {
  const { answers, missing } = await hub.requestServers("recent", {});
  const news = [...answers.values()].flat().filter((message) => recent.add(message));
  return { news, complete: missing.length === 0 };
}
