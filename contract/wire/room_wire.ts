/**
 * Rooms with history on the wire: what a client knows of them when it comes, and what it is told. `docs/protocol.md` tells
 * what it means.
 *
 * @module
 */

import { isCount, isRecord, isText } from "./checks.ts";
import { isPosition, type Position } from "./history_wire.ts";

/** How many rooms with history a hello may name, of which a server looks at no more; and how many rooms that it was in. */
export const MAX_HELLO_ROOMS = 400;
/** How long the names and epochs of the former may be, together, in UTF-16 units; and the names of the latter. */
export const MAX_HELLO_ROOMS_LENGTH = 16 * 1024;
/** How many earlier connections a hello may name; a server looks at no more. */
export const MAX_EARLIER = 4;

/** A room with history, and up to where a client has seen it. */
export type RoomMark = readonly [room: string, epoch: string, offset: number];

/** Where a client stands in a room with history. Later versions may add properties. */
export interface RoomState {
  /** Messages after this follow as `rev`. */
  readonly position: Position;
  /** Whether what follows now was said before the client was in the room; another state comes at the end of it. */
  readonly past?: boolean;
  /** Whether nothing is missing up to the position; absent where nothing was asked for. */
  readonly recovered?: boolean;
}

const isList = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isItem);
const isMark = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 3 && isText(value[0]) && isText(value[1]) && isCount(value[2]);

/**
 * Whether what a hello says of rooms is of the protocol.
 *
 * @param hello The hello.
 */
export function saysRooms({ rooms, joined, earlier }: Readonly<Record<string, unknown>>): boolean {
  return (rooms === undefined || isList(rooms, isMark)) && (joined === undefined || isList(joined, isText)) &&
    (earlier === undefined || isList(earlier, isText));
}

/**
 * Whether a value says where a client stands in a room.
 *
 * @param value The value; absent when the client is not in the room any more.
 */
export function isRoomState(value: unknown): boolean {
  return value === undefined || isRecord(value) && isPosition(value.position);
}
