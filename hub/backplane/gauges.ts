/**
 * The gauges of a backplane.
 *
 * @module
 */

import type { Adapter } from "../../adapters/adapter.ts";

/** Reads the gauges of an adapter. Values that are not numbers are left out. Never throws. */
export function readGauges(adapter: Adapter): Readonly<Record<string, number>> {
  try {
    return Object.fromEntries(
      Object.entries(adapter.gauges?.() ?? {}).filter(([, value]) => Number.isFinite(value)),
    );
  } catch {
    return {}; // a fault of the adapter: it must not make this node look dead
  }
}
