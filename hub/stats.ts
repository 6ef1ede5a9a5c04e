/**
 * Counts what a hub holds.
 *
 * @module
 */

import type { HubStats } from "./api/stats.ts";
import type { Backplane } from "./backplane/backplane.ts";
import type { Authentications } from "./session/admission/authentications.ts";
import type { Gate } from "./session/gate.ts";
import type { KeyedLimit } from "./session/limits.ts";
import type { NodeRequests } from "./nodes/node_requests.ts";
import type { Refusals } from "./session/admission/refusals.ts";
import type { Once } from "./session/once/once.ts";
import type { Presences } from "./presence/presences.ts";
import type { Reception } from "./session/reception.ts";
import type { Registry } from "./groups/registry.ts";
import type { Session } from "./session/session.ts";
import type { Topics } from "./topics/topics.ts";

/** The parts of a hub that are counted. */
export interface Counted {
  /** The connections, by id. */
  readonly connections: ReadonlyMap<string, Session>;
  /** Accepts links. */
  readonly reception: Reception;
  /** The queue of calls of `authenticate`. */
  readonly authentications: Authentications;
  /** The queue of history reads. */
  readonly historyReads: Gate;
  /** The members of rooms, topics, roles and users on this node. */
  readonly registry: Registry;
  /** Reaches the other nodes. */
  readonly backplane: Backplane;
  /** The requests to other nodes. */
  readonly nodeRequests: NodeRequests;
  /** The remembered requests. */
  readonly once: Once;
  /** The topics. */
  readonly topics: Topics;
  /** Presence; absent when the contract declares none. */
  readonly presence: Presences | undefined;
  /** The number of connections of each user. */
  readonly users: KeyedLimit;
  /** The number of refused clients by reason. */
  readonly refusals: Refusals;
}

/** Counts. */
export function readStats(counted: Counted): HubStats {
  const { connections, reception, authentications, historyReads, registry, backplane, nodeRequests } =
    counted;
  const { once, topics, presence, users, refusals } = counted;
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
    authenticating: authentications.busy,
    queued: authentications.waiting,
    historyReads: historyReads.busy + historyReads.waiting,
    lingering: reception.lingering,
    groups: registry.size,
    subscriptions,
    channels: backplane.channels,
    handling,
    asking,
    nodeRequests: nodeRequests.size,
    answering: nodeRequests.answering,
    held,
    remembered: once.size,
    histories: topics.histories.size,
    ...(presence && { presence: presence.source.size() }),
    refused: refusals.counts,
    limited: users.size + reception.addresses,
  };
}
