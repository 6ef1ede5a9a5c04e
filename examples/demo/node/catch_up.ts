/**
 * What a node learns from the others: before it serves anybody, and after it could not hear them.
 *
 * @module
 */

import type { Message } from "../contract.ts";
import type { DemoHub } from "./create_hub.ts";
import type { Recent } from "./recent.ts";
import type { Traffic } from "./traffic.ts";

/** How long a node waits for the backplane before it serves without. */
const BACKPLANE_MS = 5_000;
/** How long it waits for others to show up; the first one of all waits in vain. */
const WAIT_MS = 400;
const LOOK_MS = 20;

/**
 * Waits for the other nodes, as long as that makes sense.
 *
 * @param hub The hub.
 * @param traffic Whether it reaches them.
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
 * Learns what was said where this node did not hear it.
 *
 * @param hub The hub.
 * @param recent Where to keep it.
 * @returns What is new, and whether all nodes have answered.
 */
export async function catchUp(hub: DemoHub, recent: Recent): Promise<{ news: Message[]; complete: boolean }> {
  const { answers, missing } = await hub.requestServers("recent", {});
  const news = [...answers.values()].flat().filter((message) => recent.add(message));
  return { news, complete: missing.length === 0 };
}
