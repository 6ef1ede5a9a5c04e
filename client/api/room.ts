/**
 * Rooms, as a client sees them.
 *
 * @module
 */

import type { HubError } from "../../contract/mod.ts";

/** What comes with an event that was broadcast to a room with history. */
export interface RoomMeta {
  /** The room. */
  readonly room: string;
  /** The message's number in the room's history. Those that are not for this client have one too. */
  readonly offset: number;
  /** The epoch of that history: offsets of two epochs have nothing to do with each other. */
  readonly epoch: string;
  /** Whether the message was missed, or said before the client was in, and has been sent from the history. */
  readonly recovered: boolean;
}

/** How a client came back to a room, or that it did not. */
export interface RoomRecovery {
  /** The room. */
  readonly room: string;
  /**
   * Whether everything that was broadcast to it since the last message has been delivered. `false` means that some may be
   * missing: fetch the state anew.
   */
  readonly recovered: boolean;
  /**
   * Why the server did not put the client into the room again; absent where it is in. With `UNAVAILABLE` or `TIMEOUT` the server
   * tries on. With any other code the client has to ask to join anew.
   */
  readonly error?: HubError;
}
