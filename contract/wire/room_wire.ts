/**
 * Rooms with history on the wire: which positions a client sends when it connects, and what the server sends.
 * `docs/protocol.md` explains the messages.
 *
 * @module
 */

import { isCount, isRecord, isText } from "./checks.ts";
import { isPosition, type Position } from "./history_wire.ts";

/** How many rooms with history a hello may name, and how many rooms in `joined`. A server reads no more. */
export const MAX_HELLO_ROOMS = 400;
/**
 * The largest length of all names and epochs of the rooms with history together, in UTF-16 units. The same limit
 * holds for the names in `joined`.
 */
export const MAX_HELLO_ROOMS_LENGTH = 16 * 1024;
/** How many earlier connections a hello may name. A server reads no more. */
export const MAX_EARLIER = 4;

/** A room with history, and the last position that a client saw in it. */
export type RoomMark = readonly [room: string, epoch: string, offset: number];

/** The position of a client in a room with history. Later versions may add properties. */
export interface RoomState {
  /** Messages after this position follow as `rev`. */
  readonly position: Position;
  /** Whether the next messages are from before the client was in the room. Another state follows at their end. */
  readonly past?: boolean;
  /** Whether no message is missing up to the position. Absent if the client asked for no messages. */
  readonly recovered?: boolean;
}

const isList = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isItem);
const isMark = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 3 && isText(value[0]) && isText(value[1]) && isCount(value[2]);

/**
 * Whether the rooms in a hello have the right form.
 *
 * @param hello The hello.
 */
export function saysRooms({ rooms, joined, earlier }: Readonly<Record<string, unknown>>): boolean {
  return (rooms === undefined || isList(rooms, isMark)) && (joined === undefined || isList(joined, isText)) &&
    (earlier === undefined || isList(earlier, isText));
}

/**
 * Whether a value is a client's position in a room.
 *
 * @param value The value; absent if the client is no longer in the room.
 */
export function isRoomState(value: unknown): boolean {
  return value === undefined || isRecord(value) && isPosition(value.position);
}
