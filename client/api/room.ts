/**
 * Rooms with history, as a client reports them.
 *
 * @module
 */

import type { HubError } from "../../contract/mod.ts";

/** Details of an event that was broadcast to a room with history. */
export interface RoomMeta {
  /** The room. */
  readonly room: string;
  /** The message's number in the room's history. Messages that this client may not get are numbered too. */
  readonly offset: number;
  /** The epoch of that history. Do not compare offsets of two epochs. */
  readonly epoch: string;
  /** Whether the message comes from the history: the client missed it, or was not yet in the room. */
  readonly recovered: boolean;
}

/** Whether a client came back to a room, and whether messages are missing. */
export interface RoomRecovery {
  /** The room. */
  readonly room: string;
  /**
   * Whether every message to the room since the last one was delivered. `false`: some may be missing, so fetch the
   * state again.
   */
  readonly recovered: boolean;
  /**
   * Why the server did not put the client into the room again. Absent if the client is in the room. With
   * `UNAVAILABLE` or `TIMEOUT` the server keeps trying. With any other code the client has to join again.
   */
  readonly error?: HubError;
}
