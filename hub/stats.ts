/**
 * How much of everything a hub has.
 *
 * @module
 */

import type { Backplane } from "./backplane/backplane.ts";
import type { KeyedLimit } from "./session/limits.ts";
import type { Questions } from "./nodes/node_requests.ts";
import type { Reception } from "./session/reception.ts";
import type { Registry } from "./groups/registry.ts";
import type { Session } from "./session/session.ts";
import type { Topics } from "./topics/topics.ts";

/**
 * Counts of a moment. When nobody is connected and nothing is under way, all are zero; those of histories and their
 * channels once what was kept has expired.
 */
export interface HubStats {
  /** Connections that are authenticated. */
  readonly connections: number;
  /** Links that have not got so far. */
  readonly handshakes: number;
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
  /** Questions to other nodes that wait for answers. */
  readonly questions: number;
  /** Questions of other nodes that are being answered. */
  readonly answering: number;
  /** Messages held for slow connections. */
  readonly held: number;
  /** Topics whose history is kept. */
  readonly histories: number;
  /** Users and addresses that are counted for the connection limits. */
  readonly limited: number;
}

/** Where the counts are. */
export interface Counted {
  /** The connections, by id. */
  readonly connections: ReadonlyMap<string, Session>;
  /** All links. */
  readonly reception: Reception;
  /** Who is in what. */
  readonly registry: Registry;
  /** The other nodes. */
  readonly backplane: Backplane;
  /** Questions to them. */
  readonly questions: Questions;
  /** The topics. */
  readonly topics: Topics;
  /** How many connections a user has. */
  readonly users: KeyedLimit;
}

/** Counts. */
export function readStats(
  { connections, reception, registry, backplane, questions, topics, users }: Counted,
): HubStats {
  let subscriptions = 0, handling = 0, asking = 0, held = 0;
  for (const session of connections.values()) {
    subscriptions += session.subscriptions;
    handling += session.handling;
    asking += session.conn?.asking ?? 0;
    held += session.conn?.outbox.held ?? 0;
  }
  return {
    connections: connections.size,
    handshakes: reception.arriving,
    groups: registry.size,
    subscriptions,
    channels: backplane.channels,
    handling,
    asking,
    questions: questions.size,
    answering: questions.answering,
    held,
    histories: topics.histories.size,
    limited: users.size + reception.addresses,
  };
}
