/**
 * Waiting for what should come.
 *
 * @module
 */

import type { LoadConnection } from "./connection.ts";

/** A load with no progress for so long has failed, in milliseconds. */
export const STALLED_MS = 5_000;

/** Waits until as many messages have come as should, or nothing has come for long. */
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

/** How many messages have come. */
export const received = (connections: readonly LoadConnection[]): number =>
  connections.reduce((sum, connection) => sum + connection.received, 0);

/** How many frames have come. */
export const frames = (connections: readonly LoadConnection[]): number =>
  connections.reduce((sum, connection) => sum + connection.frames, 0);
