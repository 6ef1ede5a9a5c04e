/**
 * What a client that comes back knows of the rooms with history that it was in.
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

/** Where it stands in each, until it is used; and which connections it had. */
export interface RoomPast {
  /** Up to where it has seen which room. */
  readonly positions: SmallMap<string, Position>;
  /** The ids of its connections before. */
  readonly earlier: readonly string[];
}

/**
 * Reads what a hello says of rooms. A client may make up anything: only rooms that keep history count, and only so many.
 *
 * @param contract The contract.
 * @param hello The hello.
 * @returns `undefined` where the client does not take messages of rooms with history, or there are none.
 */
export function readRoomPast(contract: Contract, { rooms, earlier = [] }: Hello): RoomPast | undefined {
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
