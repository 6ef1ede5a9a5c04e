/**
 * The status of a client.
 *
 * @module
 */

import type { HubError } from "../../contract/mod.ts";

/**
 * The status of a client. `"connecting"`: not open yet for the first time. `"reconnecting"`: it was open, and now is
 * not. `"closed"`: closed for good.
 */
export type ClientStatus = "connecting" | "open" | "reconnecting" | "closed";

/** Details of a status. */
export interface StatusInfo {
  /** Why the client is not open. Absent after `close()`, and when the client moves to another node. */
  readonly error?: HubError;
  /** The node that serves the client, once it is open. */
  readonly nodeId?: string;
  /** The number of the next attempt, counted since the last stable connection. Absent if no attempt follows. */
  readonly attempt?: number;
  /** The time until that attempt, in milliseconds. */
  readonly retryInMs?: number;
}

/** Called on every change of the status, and after every failed attempt to connect. */
export type StatusListener = (status: ClientStatus, info: StatusInfo) => void;
