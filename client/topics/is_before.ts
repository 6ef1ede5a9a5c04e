/**
 * Compares positions.
 *
 * @module
 */

import type { Position } from "../../contract/mod.ts";

/**
 * Whether the position of a node is before the client's own position, in the same epoch. Then the client has the messages
 * that the node has missed.
 *
 * @param position The position of the node.
 * @param own The position of the client.
 */
export function isBefore([epoch, offset]: Position, own: Position | undefined): boolean {
  return epoch === own?.[0] && offset < own[1];
}
