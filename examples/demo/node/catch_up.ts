/**
 * What a node learns from the others before it serves anybody.
 *
 * @module
 */

import type { Recent } from "./recent.ts";
import type { DemoHub } from "./reporter.ts";

/** How long a node waits for others to show up; the first one of all waits in vain. */
const WAIT_MS = 400;
const LOOK_MS = 20;

/**
 * Learns what was said before this node was there.
 *
 * @param hub A hub that is ready.
 * @param recent Where to keep it.
 */
export async function catchUp(hub: DemoHub, recent: Recent): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (hub.cluster.nodes().length === 1 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const { answers } = await hub.requestServers("recent", {});
  for (const message of [...answers.values()].flat()) recent.add(message);
}
