/**
 * The seam of central presence: where it is kept for the whole cluster who is in which room or topic. A hub is given a
 * store with `createHub(contract, { presence: { kind: "central", store } })`, or by its adapter (`adapter.presence`).
 *
 * @module
 */

import type { Position, PresenceBy } from "../contract/mod.ts";

/** A connection in a place, as a store keeps it. */
export interface StoredEntry {
  /** The connection. */
  readonly id: string;
  /** Its user; `undefined` when anonymous. */
  readonly user: string | undefined;
  /** The node that serves it. */
  readonly node: string;
  /** Its state in JSON; `undefined` until one is set. */
  readonly state: string | undefined;
  /** When its state was set, in whole milliseconds since 1970: of a user's connections the newest one shows. */
  readonly at: number;
}

/** What changes in a place for the connections of one node: nobody else changes those. */
export interface PlaceWrite {
  /** Connections that are in, or have another state. */
  readonly put: readonly StoredEntry[];
  /** The ids of connections that are not in any more; those that are not in are of no matter. */
  readonly drop: readonly string[];
  /**
   * Whether `put` is all that the node has in the place: whatever else is kept of it is dropped.
   *
   * @default {false}
   */
  readonly all?: boolean;
}

/** What has become of a write. */
export interface PlaceWritten {
  /** Where the place stands now. */
  readonly version: Position;
  /** Whether anything is another than before. Otherwise the version is that of before. */
  readonly changed: boolean;
  /** The ids that were in and are not any more, those that `all` dropped included. */
  readonly dropped: readonly string[];
}

/** What to read of a place. */
export interface StoredEntryQuery {
  /** What counts as one member. */
  readonly by: PresenceBy;
  /** How many members at the most, from 1. A page may have fewer, and not be the last one. */
  readonly limit: number;
  /** Where the page before ended; absent for the first one. Clients hand it in, who may make one up: that is no error. */
  readonly cursor?: string;
  /** Aborted when nobody waits any more. */
  readonly signal?: AbortSignal;
}

/** A part of the members of a place, as of one moment. */
export interface StoredEntryPage {
  /** Where the place stands; an empty epoch and 0 when nothing is known of it, and so nobody is in it. */
  readonly version: Position;
  /** For every member the connection that shows: of a user's that with the greatest `at`, and of equals always the same. */
  readonly entries: readonly StoredEntry[];
  /** How many members there are in all. */
  readonly count: number;
  /** Where the next page begins; absent after the last one. Text that only the store can read. */
  readonly cursor?: string;
}

/** What a node has to say when it renews its lease. */
export interface PresenceLease {
  /** How long the lease lasts from now on, in milliseconds; 0 ends it. */
  readonly ttlMs: number;
  /** How many connections the node has in each of its places, without those of which a write is under way. */
  readonly places: ReadonlyMap<string, number>;
}

/** What became of a lease. */
export interface LeaseTouched {
  /** Whether the node had a lease that lasted until now. Otherwise what it has put may be gone: it has a new one. */
  readonly kept: boolean;
  /** Of the places that the store has looked at, those in which it knows of another number: they have lost something. */
  readonly lost: readonly string[];
}

/** What a purge has removed from one place. */
export interface PresenceRemoval {
  /** The place. */
  readonly place: string;
  /** Where the place stands since. */
  readonly version: Position;
  /** The connections. */
  readonly ids: readonly string[];
}

/** How to purge. */
export interface PurgeOptions {
  /**
   * Also when the lease of the node has not run out: for a node that leaves.
   *
   * @default {false}
   */
  readonly anyway?: boolean;
  /**
   * Hears what was removed, place by place, as it happens; a place may come in parts. Does not throw.
   *
   * @param removal What, and where.
   */
  onRemoved(removal: PresenceRemoval): void;
}

/**
 * Knows who is where, for all nodes of a cluster.
 *
 * What an implementer must keep:
 *
 * - **One order.** Whatever changes a place gives it the next number in its epoch: 1, 2, 3, … without holes, whichever
 *   node does it. A write is one change, done as a whole or not at all; what one node writes to a place is done in the
 *   order of its calls. A call that has failed may be done all the same, but never after a later one of the same node and
 *   place.
 * - **Epochs.** An epoch is text of at most 64 characters that is used for one place once. Whatever loses the number, or
 *   what is in a place, begins a new one. A place that was empty for long may lose it.
 * - **One moment.** A page is of one moment, the one that its version names. Pages follow an order of the members that
 *   never changes, so that who is in all the time is in exactly one of them.
 * - **Leases.** A node touches its lease before it writes for the first time, and then well before it has run out. The
 *   store measures the time, also when no node is left.
 * - **Purged once.** Each connection of a node that is purged is told to exactly one caller, however many purge it at
 *   once; what the node has put since it got a new lease is not touched. A purge that fails can be done again.
 * - **Nothing for ever.** What belongs to a node with a lease is kept. What is left by nodes that nobody has purged goes by
 *   itself some time later.
 * - **Cost.** A write costs what it changes, a page what it holds, and a count nothing of note, whatever the size of the
 *   place. A read of a place in which nobody ever was keeps nothing.
 *
 * Names are any well-formed text, also an empty one. Every call rejects when it cannot be done, in bounded time; the hub
 * gives up by itself too. `@trunkline/hub/conformance` proves all of it for any store.
 */
export interface PresenceStore {
  /** What it is, for errors: `"memory"`, `"redis"`. */
  readonly name: string;
  /**
   * Renews the lease of a node, or gives it one.
   *
   * @param node The node.
   * @param lease For how long, and what it has.
   */
  touch(node: string, lease: PresenceLease): Promise<LeaseTouched>;
  /**
   * Changes which connections of a node are in a place.
   *
   * @param node The node; that of all entries.
   * @param place The place.
   * @param write What changes.
   */
  write(node: string, place: string, write: PlaceWrite): Promise<PlaceWritten>;
  /**
   * Reads members of a place.
   *
   * @param place The place.
   * @param query Which.
   */
  read(place: string, query: StoredEntryQuery): Promise<StoredEntryPage>;
  /** Counts the members of a place. */
  count(place: string, by: PresenceBy): Promise<number>;
  /** Tells where places stand, in the order in which they are given; an empty epoch and 0 when nothing is known of one. */
  versions(places: readonly string[]): Promise<readonly Position[]>;
  /** Names nodes whose leases have run out and that nobody has purged: some of them, when there are many. */
  expired(): Promise<readonly string[]>;
  /**
   * Removes whatever a node has put, unless its lease still lasts.
   *
   * @param node The node.
   * @param options How.
   * @returns 0 when nothing is left of it; else how long its lease still lasts, in milliseconds.
   */
  purge(node: string, options: PurgeOptions): Promise<number>;
  /** A hub does not need the store any more, and has said for its node what there is to say. Never rejects. */
  close?(node: string): void | Promise<void>;
}
