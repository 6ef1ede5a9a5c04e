/**
 * What a node learns from the others: before it serves anybody, and after it could not hear them.
 *
 * @module
 */

import type { Message } from "../contract.ts";
import type { Recent } from "./recent.ts";
import type { DemoHub } from "./reporter.ts";

/** How long a node waits for the backplane before it serves without. */
const BACKPLANE_MS = 5_000;
/** How long it waits for others to show up; the first one of all waits in vain. */
const WAIT_MS = 400;
const LOOK_MS = 20;

/**
 * Waits for the other nodes, as long as that makes sense.
 *
 * @param hub The hub.
 */
export async function waitForOthers(hub: DemoHub): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, BACKPLANE_MS);
    hub.cluster.on("backplane", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  const end = performance.now() + WAIT_MS;
  while (hub.cluster.nodes().length === 1 && performance.now() < end) {
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
