/**
 * Where a client stands.
 *
 * @module
 */

import type { HubError } from "../../contract/mod.ts";

/**
 * Where a client stands: `"connecting"` until it was open once, `"reconnecting"` while it is not open after that,
 * `"closed"` for good.
 */
export type ClientStatus = "connecting" | "open" | "reconnecting" | "closed";

/** What is known about a status. */
export interface StatusInfo {
  /** Why the client is not open; absent after `close()` and on a move to another node. */
  readonly error?: HubError;
  /** The node that serves the client, once it is open. */
  readonly nodeId?: string;
  /** Which attempt comes next, counted from the last connection that lasted; absent when nothing is waited for. */
  readonly attempt?: number;
  /** How long until that attempt, in milliseconds. */
  readonly retryInMs?: number;
}

/** Hears of every change of status, and of every attempt to connect that failed. */
export type StatusListener = (status: ClientStatus, info: StatusInfo) => void;
