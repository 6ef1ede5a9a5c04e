/**
 * Where a hub knows from who is where: by gossip with the other nodes, or from a store that all share.
 *
 * @module
 */

import type { PresenceBy } from "../../contract/mod.ts";
import type { Place, PresenceEntry } from "./place.ts";

/** A place that this node follows. */
export interface Followed {
  /** Who is in it; changes as it changes, also when it is not whole yet. */
  readonly place: Place;
  /** Whether everybody who is in it is known. Becomes false again while the backplane, or the store, is away. */
  readonly whole: boolean;
  /** Resolves when it is whole for the first time; rejects when the source is closed before. Never an unhandled rejection. */
  readonly ready: Promise<void>;
  /**
   * Listens to `whole`.
   *
   * @param listener Must not throw.
   * @returns Stops it.
   */
  onWhole(listener: (whole: boolean) => void): () => void;
  /** Follows it no more. Idempotent. */
  release(): void;
}

/** A part of the members of a place, by the order of their ids. */
export interface EntryPage {
  /** For every member the connection that shows. */
  readonly entries: readonly PresenceEntry[];
  /** How many members there are in all. */
  readonly count: number;
  /** Where the next page begins; absent after the last one. */
  readonly cursor?: string;
}

/** How much a source holds in memory. */
export interface SourceSize {
  /** Places in which somebody is as far as it knows, or that are followed. */
  readonly places: number;
  /** Connections in them; one in several places counts in each. */
  readonly members: number;
}

/** What to read of a place. */
export interface EntryQuery {
  readonly by: PresenceBy;
  readonly limit: number;
  /** What the page before ended with; only the source can read it. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

/**
 * Knows who is where in the whole cluster. The hub says of its own connections when they enter and leave places, once
 * each and in order; what goes wrong on the way to the others is reported, and put right later, by the source.
 */
export interface PresenceSource {
  /** A connection of this node is in a place, or has another state there. Followers on this node see it at once. */
  put(place: string, entry: PresenceEntry): void;
  /** A connection of this node is not in a place any more. */
  drop(place: string, id: string): void;
  /** Follows a place: at once where all is known anyway. */
  follow(place: string): Followed;
  /**
   * How many members a place has.
   *
   * @returns At once where it is known; before `known` as far as it is. Rejects with `UNAVAILABLE` or `TIMEOUT`.
   */
  count(place: string, by: PresenceBy, signal?: AbortSignal): number | Promise<number>;
  /** Reads members of a place. */
  page(place: string, query: EntryQuery): EntryPage | Promise<EntryPage>;
  /** How much it holds; nothing when nobody is anywhere and nothing is followed. */
  size(): SourceSize;
  /**
   * Resolves when `count` and `page` know of everybody for the first time; rejects when the source is closed before. Never an
   * unhandled rejection.
   */
  readonly known: Promise<void>;
  /** The channels on which nodes speak of presence; the hub listens to them. */
  readonly channels: readonly string[];
  /** The hub is open: the other nodes can be reached, and those that are there are known. */
  start(): void | Promise<void>;
  /** The backplane is up, or down. */
  reachable(isUp: boolean): void;
  /** Messages on these channels may have been missed though the backplane was up; on all where none are named. */
  missed(channels?: readonly string[]): void;
  /** Another node is there, for the first time or again. */
  join(node: string): void;
  /** Another node is gone: it said goodbye, or was silent for too long. */
  leave(node: string): void;
  /** Whether a node is gone whose connections are still shown. */
  isGone(node: string): boolean;
  /** The hub closes: nobody of this node is anywhere any more, and the others are told. Never rejects. */
  close(): void | Promise<void>;
}
