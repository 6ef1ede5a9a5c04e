/**
 * The source of a hub's presence: gossip with the other nodes, or a store that all nodes share.
 *
 * @module
 */

import type { PresenceBy } from "../../contract/mod.ts";
import type { Place, PresenceEntry } from "./place.ts";

/** A place that this node follows. */
export interface Followed {
  /** The place. It follows all changes, also before it is whole. */
  readonly place: Place;
  /** Whether all its members are known. Becomes false while the backplane or the store is down. */
  readonly whole: boolean;
  /**
   * Resolves when it is whole for the first time; rejects when the source closes before. Its rejection may be
   * ignored.
   */
  readonly ready: Promise<void>;
  /**
   * Listens to changes of `whole`.
   *
   * @param listener Must not throw.
   * @returns A function that removes it.
   */
  onWhole(listener: (whole: boolean) => void): () => void;
  /** Stops following the place. Idempotent. */
  release(): void;
}

/** A page of the members of a place, in the order of their ids. */
export interface EntryPage {
  /** The connection that is shown, for every member. */
  readonly entries: readonly PresenceEntry[];
  /** The total number of members. */
  readonly count: number;
  /** The start of the next page; absent on the last page. */
  readonly cursor?: string;
}

/** What a source holds in memory. */
export interface SourceSize {
  /** The number of places that have members or followers, as far as it knows. */
  readonly places: number;
  /** The number of connections in them. A connection in several places counts in each. */
  readonly members: number;
}

/** Which page to read. */
export interface EntryQuery {
  readonly by: PresenceBy;
  readonly limit: number;
  /** The cursor of the page before. Only the source can read it. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

/**
 * Knows the members of all places in the cluster. The hub reports when its own connections enter and leave places, once
 * each and in order. The source reports errors on the way to other nodes, and repairs them later.
 */
export interface PresenceSource {
  /**
   * A connection of this node has come into a place, or has a new state there. Followers on this node see it at once.
   */
  put(place: string, entry: PresenceEntry): void;
  /** A connection of this node has left a place. */
  drop(place: string, id: string): void;
  /** Follows a place. The place is whole at once if all members are already known. */
  follow(place: string): Followed;
  /**
   * Counts the members of a place.
   *
   * @returns The number, without a promise if this node knows it. Before `known` resolves, only known members count.
   * Rejects with `UNAVAILABLE` or `TIMEOUT`.
   */
  count(place: string, by: PresenceBy, signal?: AbortSignal): number | Promise<number>;
  /** Reads members of a place. */
  page(place: string, query: EntryQuery): EntryPage | Promise<EntryPage>;
  /** What it holds in memory. Zero when all places are empty and have no followers. */
  size(): SourceSize;
  /**
   * Resolves when `count` and `page` know all members for the first time; rejects when the source is closed before.
   * Its rejection may be ignored.
   */
  readonly known: Promise<void>;
  /** The channels of presence messages between nodes. The hub listens to them. */
  readonly channels: readonly string[];
  /** Call it when the hub is open: the other nodes are known and can be reached. */
  start(): void | Promise<void>;
  /** Call it when the backplane is up or down. */
  reachable(isUp: boolean): void;
  /**
   * Messages on these channels may have been missed while the backplane was up; without `channels`, on all channels.
   */
  missed(channels?: readonly string[]): void;
  /** Another node has joined, for the first time or again. */
  join(node: string): void;
  /** Another node has left: it said goodbye, or was silent for too long. */
  leave(node: string): void;
  /** Whether a node has left and its connections are still shown. */
  isGone(node: string): boolean;
  /** Removes the connections of this node from all places, and tells the other nodes. Never rejects. */
  close(): void | Promise<void>;
}
