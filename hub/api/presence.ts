/**
 * Presence as users of a hub see it: who is in a room or topic, on all nodes.
 *
 * @module
 */

import type {
  ContractDefinition,
  PresenceBy,
  PresenceChange,
  PresenceMember,
  PresenceNames,
  PresencePage,
  RoleOf,
} from "../../contract/mod.ts";

/** A topic as a place. */
export interface TopicPlace<Name extends string, Role extends string> {
  /** Its name. */
  readonly topic: Name;
  /** The role whose own it is; absent for a shared one. */
  readonly role?: Role;
}

/** A room or topic whose presence a contract keeps. */
export type HubPlaceOf<D extends ContractDefinition> = PresenceNames<D> extends infer N extends string
  ? N | TopicPlace<N, RoleOf<D>>
  : never;

/** Whom to count as one. */
export interface PresenceQuery {
  /**
   * `"user"`: a user with all of its connections is one member, and each anonymous connection one. `"connection"`: each
   * connection is.
   *
   * @default {"user"}
   */
  readonly by?: PresenceBy;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** Which page. */
export interface PresencePageQuery extends PresenceQuery {
  /**
   * How many members at the most, up to 10,000.
   *
   * @default {100}
   */
  readonly limit?: number;
  /** Where it begins: what the page before ended with. Absent: the first page. */
  readonly cursor?: string;
}

/** A listener of presence. What it throws is reported to `onError`, with stage `"listener"`. */
export type PresenceListener<State> = (member: PresenceMember<State>) => unknown;

/**
 * Who is in a room or topic, on all nodes. Iterating gives every change from then on; a reader that falls more than
 * 10,000 changes behind is ended by an error, `RATE_LIMITED`; one that reads when the hub is closed is at its end.
 */
export interface HubPresence<State, StateInput> extends AsyncIterable<PresenceChange<State>> {
  /** Its name. */
  readonly name: string;
  /**
   * All members, in the order of their ids. On a hub that has just started it waits until all members are known, for at
   * most 10 seconds. Then it gives those that it knows.
   *
   * @throws {HubError} `UNAVAILABLE` or `TIMEOUT` where the store does not answer; `UNAVAILABLE` when the hub is closed.
   */
  list(query?: PresenceQuery): Promise<readonly PresenceMember<State>[]>;
  /** A part of them, for places with many. */
  page(query?: PresencePageQuery): Promise<PresencePage<State>>;
  /** How many are in. Its cost does not depend on how many there are. */
  count(query?: PresenceQuery): Promise<number>;
  /**
   * Listens to members that join, leave, or get another state. The listener is called once for each change on any node,
   * from the moment when the call returns (on a hub that has just started: when all members are known). Members that
   * are already there cause no `join`. With central presence the hub reads the place first: a member that comes before
   * that is done counts as already there, and `list` and `count` wait for it.
   *
   * @param event What to listen to.
   * @param listener What to call.
   * @param query Whom to count as one.
   * @returns Stops it.
   */
  on(
    event: "join" | "leave" | "update",
    listener: PresenceListener<State>,
    query?: Pick<PresenceQuery, "by">,
  ): () => void;
  /**
   * Sets the state of a connection of this node that is in: what the schema makes of it, in a copy.
   *
   * @throws {HubError} `VALIDATION` when the state does not fit, `TOO_LARGE` when it has more than 16 KiB of JSON, `BAD_REQUEST`
   * when it cannot travel, `DISCONNECTED` when the connection is not in, or not on this node.
   */
  set(conn: { readonly id: string }, state: StateInput): void;
}
