/**
 * The earlier positions of a client that comes back to rooms with history.
 *
 * @module
 */

import {
  type Contract,
  type Hello,
  MAX_EARLIER,
  MAX_HELLO_ROOMS,
  MAX_HELLO_ROOMS_LENGTH,
  type Position,
} from "../../contract/mod.ts";
import { SmallMap } from "./small_map.ts";

/** The positions of a client, and its earlier connections. A position is used once. */
export interface RoomPast {
  /** The last position that the client has, by room. */
  readonly positions: SmallMap<string, Position>;
  /** The ids of its earlier connections. */
  readonly earlier: readonly string[];
}

/**
 * Reads the rooms in a hello. A client may send anything, so only rooms that keep history count, up to a limit.
 *
 * @param contract The contract.
 * @param hello The hello.
 * @returns `undefined` when the client does not support rooms with history, or the contract has no such rooms.
 */
export function readRoomPast(
  contract: Contract,
  { rooms, earlier = [] }: Pick<Hello, "rooms" | "earlier">,
): RoomPast | undefined {
  if (!rooms || !contract.definition.rooms) return undefined;
  const positions = new SmallMap<string, Position>();
  let length = 0;
  for (const [room, epoch, offset] of rooms.slice(0, MAX_HELLO_ROOMS)) {
    length += room.length + epoch.length;
    if (length > MAX_HELLO_ROOMS_LENGTH) break;
    if (contract.rooms.find(room)) positions.set(room, [epoch, offset]);
  }
  return { positions, earlier: earlier.slice(-MAX_EARLIER) };
}
