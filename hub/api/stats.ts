/**
 * What a hub holds, in numbers.
 *
 * @module
 */

import type { RefusalCounts } from "./refusals.ts";

/**
 * The counts at one moment. When no client is connected and no work is going on, all counts are zero, with two
 * exceptions. The counts of histories, of their channels and of remembered requests become zero when these expire. The
 * counts of refused clients never fall.
 */
export interface HubStats {
  /** Connections that are authenticated. */
  readonly connections: number;
  /** Links that are not authenticated yet. */
  readonly handshakes: number;
  /** Calls of `authenticate` that still run. */
  readonly authenticating: number;
  /** Clients that wait to be authenticated, because `maxAuthenticating` calls already run. */
  readonly queued: number;
  /** History reads for clients that come back, running or waiting. */
  readonly historyReads: number;
  /**
   * Closed links whose sockets are not free yet, because the client does not answer. They count toward the limits.
   */
  readonly lingering: number;
  /** Rooms, topics, roles and users with at least one connection of this node. */
  readonly groups: number;
  /** Subscriptions of all connections, also before they are live. */
  readonly subscriptions: number;
  /** Backplane channels that this node listens to, without the cluster's channel and the node's own. */
  readonly channels: number;
  /** Requests and signals of clients that are being handled. */
  readonly handling: number;
  /** Requests to clients that wait for an answer. */
  readonly asking: number;
  /** Requests to other nodes that wait for answers. */
  readonly nodeRequests: number;
  /** Requests of other nodes that are being answered. */
  readonly answering: number;
  /** Messages held for slow connections. */
  readonly held: number;
  /** Requests with an id that are remembered. */
  readonly remembered: number;
  /** Topics whose history is kept. */
  readonly histories: number;
  /** Presence; absent when the contract declares none. */
  readonly presence?: {
    /** Rooms and topics that have a member as far as this node knows, or that are being watched. */
    readonly places: number;
    /** Connections in them, on all nodes. A connection in several of them counts in each. */
    readonly members: number;
  };
  /** Clients that were refused since the hub was created, by reason. These counts never fall. */
  readonly refused: RefusalCounts;
  /** Users and addresses that are counted for the connection limits. Without a limit none are counted. */
  readonly limited: number;
}
