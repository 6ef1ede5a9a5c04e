/**
 * Waiting for the expected messages.
 *
 * @module
 */

import type { LoadConnection } from "./connection.ts";

/** If no message arrives for so long, the load has failed; in milliseconds. */
export const STALLED_MS = 5_000;

/** Waits until the expected number of messages has arrived. Stops when none arrives for a long time. */
export async function settle(connections: readonly LoadConnection[], expected: number): Promise<void> {
  let last = -1;
  let since = performance.now();
  for (let now = received(connections); now < expected; now = received(connections)) {
    if (now !== last) {
      last = now;
      since = performance.now();
    } else if (performance.now() - since > STALLED_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** How many messages have arrived. */
export const received = (connections: readonly LoadConnection[]): number =>
  connections.reduce((sum, connection) => sum + connection.received, 0);

/** How many frames have arrived. */
export const frames = (connections: readonly LoadConnection[]): number =>
  connections.reduce((sum, connection) => sum + connection.frames, 0);
