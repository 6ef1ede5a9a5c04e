/**
 * How much of everything a hub has.
 *
 * @module
 */

import type { RefusalCounts } from "./refusals.ts";

/**
 * Counts of a moment. When no client is connected and nothing is under way, all are zero. The counts of histories,
 * their channels and remembered requests are zero once these have expired.
 */
export interface HubStats {
  /** Connections that are authenticated. */
  readonly connections: number;
  /** Links that have not got so far. */
  readonly handshakes: number;
  /** Calls of `authenticate` that have not answered. */
  readonly authenticating: number;
  /** Clients that wait until they are authenticated, because `maxAuthenticating` others are. */
  readonly queued: number;
  /** Reads of histories for clients that come back, those that wait included. */
  readonly historyReads: number;
  /** Closed links whose sockets are not free yet, because the client does not answer. They count for the limits. */
  readonly lingering: number;
  /** Rooms, topics, roles and users with at least one connection of this node. */
  readonly groups: number;
  /** Subscriptions of all connections, those on their way included. */
  readonly subscriptions: number;
  /** Channels that this node listens to beside the cluster's and its own inbox. */
  readonly channels: number;
  /** Requests and signals of clients that are being handled. */
  readonly handling: number;
  /** Requests to clients that wait for their answer. */
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
  /** Presence; absent where the contract keeps none. */
  readonly presence?: {
    /** Rooms and topics in which somebody is as far as this node knows, or at which somebody looks. */
    readonly places: number;
    /** Connections in them, on all nodes; one in several of them counts in each. */
    readonly members: number;
  };
  /** Clients that were refused since the hub was created, by reason: the one count that never falls. */
  readonly refused: RefusalCounts;
  /** Users and addresses that are counted for the connection limits. */
  readonly limited: number;
}
