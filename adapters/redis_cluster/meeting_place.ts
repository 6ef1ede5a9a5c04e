/**
 * Chooses the one node for classic pub/sub. Any node reaches all others.
 *
 * @module
 */

import { shuffled } from "../kit/shuffle.ts";
import type { Found } from "./finder.ts";

/**
 * Keeps the present node as long as that node works, or may work in a moment. The exception: another node sees a
 * working cluster, and the present one does not. Then the present one is cut off.
 *
 * @param found The masters, and which nodes see no working cluster.
 * @param present The present node, `host:port`.
 * @param works Whether the connection to it works, or is still being made.
 * @returns The node to use; `undefined` if no master is known.
 */
export function meetingPlace(
  { ranges, ok, doubters }: Found,
  present: string | undefined,
  works: boolean,
): string | undefined {
  const masters = [...new Set(ranges.map(([, , address]) => address))];
  if (present !== undefined && works && masters.includes(present) && !(ok && doubters.has(present))) {
    return present;
  }
  const others = shuffled(masters.filter((address) => address !== present));
  return others.find((address) => !doubters.has(address)) ?? others[0] ?? masters[0];
}
