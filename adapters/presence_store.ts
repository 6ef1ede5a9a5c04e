/**
 * The interface of stores for central presence. A store keeps for the whole cluster which connections are in which room
 * or topic. A hub gets its store from `createHub(contract, { presence: { kind: "central", store } })`, or from its
 * adapter (`adapter.presence`).
 *
 * @module
 */

import type { Position, PresenceBy } from "../contract/mod.ts";

/** A connection in a place (a room or a topic), as a store keeps it. */
export interface StoredEntry {
  /** The connection. */
  readonly id: string;
  /** Its user; `undefined` if it is anonymous. */
  readonly user: string | undefined;
  /** The node that serves it. */
  readonly node: string;
  /** Its state in JSON; `undefined` before one is set. */
  readonly state: string | undefined;
  /**
   * When its state was set, in whole milliseconds since 1970. If a user has several connections, the newest state
   * counts.
   */
  readonly at: number;
}

/** A change of the connections of one node in a place. Only that node changes them. */
export interface PlaceWrite {
  /** Connections that are in the place now, or have a new state. */
  readonly put: readonly StoredEntry[];
  /** The ids of connections that have left the place. Ids of connections that are not in the place have no effect. */
  readonly drop: readonly string[];
  /**
   * Whether `put` is the complete list of the node's connections in the place. If so, the store drops all others.
   *
   * @default {false}
   */
  readonly all?: boolean;
}

/** The result of a write. */
export interface PlaceWritten {
  /** The version of the place now. */
  readonly version: Position;
  /** Whether the write changed anything. If not, the version is the same as before. */
  readonly changed: boolean;
  /** The ids that were in the place and are not any more, including those that `all` dropped. */
  readonly dropped: readonly string[];
}

/** Which members of a place to read. */
export interface StoredEntryQuery {
  /** What counts as one member. */
  readonly by: PresenceBy;
  /** The most members to return, at least 1. A page may have fewer even if it is not the last. */
  readonly limit: number;
  /**
   * The end of the page before; absent for the first page. It comes from clients: an invalid cursor is not an error.
   */
  readonly cursor?: string;
  /** Aborted when no caller waits any more. */
  readonly signal?: AbortSignal;
}

/** A part of the members of a place, at one moment. */
export interface StoredEntryPage {
  /** The version of the place. An empty epoch and 0 if the store knows nothing of the place: it is empty. */
  readonly version: Position;
  /**
   * One connection for each member: the user's connection with the greatest `at`. If several are equal, always the same
   * one.
   */
  readonly entries: readonly StoredEntry[];
  /** The number of all members. */
  readonly count: number;
  /** Where the next page begins; absent after the last page. Text that only the store can read. */
  readonly cursor?: string;
}

/** What a node tells the store when it renews its lease. */
export interface PresenceLease {
  /** How long the lease lasts from now on, in milliseconds; 0 ends it. */
  readonly ttlMs: number;
  /** How many connections the node has in each of its places. Places with a write under way are left out. */
  readonly places: ReadonlyMap<string, number>;
}

/** The result of renewing a lease. */
export interface LeaseTouched {
  /** Whether the node's lease lasted until now. If not, the node has a new lease, and its connections may be gone. */
  readonly kept: boolean;
  /**
   * Places that have lost connections. The store has checked them, and knows another number of connections than the
   * node.
   */
  readonly lost: readonly string[];
}

/** The connections that a purge has removed from one place. */
export interface PresenceRemoval {
  /** The place. */
  readonly place: string;
  /** The version of the place after the removal. */
  readonly version: Position;
  /** The connections. */
  readonly ids: readonly string[];
}

/** How to purge a node. */
export interface PurgeOptions {
  /**
   * Whether to purge also while the node's lease lasts: for a node that leaves.
   *
   * @default {false}
   */
  readonly anyway?: boolean;
  /**
   * Called with the removed connections, place by place, as they are removed. One place may take several calls. Does
   * not throw.
   *
   * @param removal The removed connections and their place.
   */
  onRemoved(removal: PresenceRemoval): void;
}

/**
 * Keeps which connections are in which place, for all nodes of a cluster.
 *
 * What an implementation must guarantee:
 *
 * - **One order.** Every change of a place gets the next number in its epoch: 1, 2, 3, … without gaps, no matter which
 *   node makes it. A write is one change: the store does it completely or not at all. The store does the writes of one
 *   node to a place in the order of its calls. A call that has failed may still take effect, but never after a later
 *   call of the same node and place.
 * - **Epochs.** An epoch is text of at most 64 characters; a place never uses an epoch again. When the store loses
 *   the number or the content of a place, it begins a new epoch. A place that was empty for a long time may lose its
 *   epoch.
 * - **One moment.** A page shows one moment, the one of its version. Pages follow a fixed order of the members. So a
 *   member that is present the whole time is on exactly one page.
 * - **Leases.** A node touches its lease before its first write, and after that well before the lease runs out. The
 *   store measures the time, also when no node is left.
 * - **Purged once.** When several callers purge a node at once, each of its connections is reported to exactly one of
 *   them. Entries that the node has written since it got a new lease stay. A purge that has failed can be repeated.
 * - **No leftovers.** The store keeps everything that belongs to a node with a lease. The data of a node without a
 *   lease disappears some time later, even if no caller purges it.
 * - **Cost.** A write costs as much as it changes, and a page as much as it holds. A count costs almost nothing, even
 *   for a large place. A read of a place that was always empty stores nothing.
 *
 * Names are any well-formed text, also an empty text. A call that cannot be done rejects in bounded time; the hub also
 * gives up by itself. `@trunkline/hub/conformance` tests all of this for any store.
 */
export interface PresenceStore {
  /** The kind of store, for errors: `"memory"`, `"redis"`. */
  readonly name: string;
  /**
   * Renews the lease of a node, or gives it one.
   *
   * @param node The node.
   * @param lease The length of the lease, and the node's connections.
   */
  touch(node: string, lease: PresenceLease): Promise<LeaseTouched>;
  /**
   * Changes which connections of a node are in a place.
   *
   * @param node The node. All entries belong to it.
   * @param place The place.
   * @param write The changes.
   */
  write(node: string, place: string, write: PlaceWrite): Promise<PlaceWritten>;
  /**
   * Reads members of a place.
   *
   * @param place The place.
   * @param query Which members.
   */
  read(place: string, query: StoredEntryQuery): Promise<StoredEntryPage>;
  /** Counts the members of a place. */
  count(place: string, by: PresenceBy): Promise<number>;
  /**
   * Gives the versions of places, in the given order. An empty epoch and 0 for a place that the store does not know.
   */
  versions(places: readonly string[]): Promise<readonly Position[]>;
  /** Gives nodes whose leases have run out, and that are not purged yet. If there are many, it gives some of them. */
  expired(): Promise<readonly string[]>;
  /**
   * Removes everything that a node has put, unless its lease still lasts.
   *
   * @param node The node.
   * @param options How to purge it.
   * @returns 0 when nothing of the node is left; otherwise the rest of its lease, in milliseconds.
   */
  purge(node: string, options: PurgeOptions): Promise<number>;
  /** A hub does not need the store any more, and has written everything for its node. Never rejects. */
  close?(node: string): void | Promise<void>;
}
