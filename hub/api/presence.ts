/**
 * The types of presence for users of a hub: the members of a room or topic, on all nodes.
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

/** A topic with presence. */
export interface TopicPlace<Name extends string, Role extends string> {
  /** Its name. */
  readonly topic: Name;
  /** The role that owns the topic; absent for a shared topic. */
  readonly role?: Role;
}

/** A room or topic with presence in the contract. */
export type HubPlaceOf<D extends ContractDefinition> = PresenceNames<D> extends infer N extends string
  ? N | TopicPlace<N, RoleOf<D>>
  : never;

/** How to count members. */
export interface PresenceQuery {
  /**
   * `"user"`: a user with all its connections is one member, and each anonymous connection is one member.
   * `"connection"`: each connection is one member.
   *
   * @default {"user"}
   */
  readonly by?: PresenceBy;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
}

/** Which page of the members. */
export interface PresencePageQuery extends PresenceQuery {
  /**
   * How many members the page has at most, up to 10,000.
   *
   * @default {100}
   */
  readonly limit?: number;
  /** The `cursor` of the page before. Absent: the first page. */
  readonly cursor?: string;
}

/** A listener of presence. `onError` gets the errors that it throws, with stage `"listener"`. */
export type PresenceListener<State> = (member: PresenceMember<State>) => unknown;

/**
 * The members of a room or topic, on all nodes. Iterate over it to get every change from now on. A reader that falls
 * more than 10,000 changes behind ends with an error, `RATE_LIMITED`. When the hub closes, the iteration ends.
 */
export interface HubPresence<State, StateInput> extends AsyncIterable<PresenceChange<State>> {
  /** The name of the room or topic. */
  readonly name: string;
  /**
   * All members, in the order of their ids. A hub that has just started waits until it knows all members, for at most
   * 10 seconds. Then it gives the known members.
   *
   * @throws {HubError} `UNAVAILABLE` or `TIMEOUT` when the store does not answer; `UNAVAILABLE` when the hub is
   * closed.
   */
  list(query?: PresenceQuery): Promise<readonly PresenceMember<State>[]>;
  /** One page of the members, for rooms and topics with many. */
  page(query?: PresencePageQuery): Promise<PresencePage<State>>;
  /** The number of members. The cost does not depend on this number. */
  count(query?: PresenceQuery): Promise<number>;
  /**
   * Listens to members that join, leave, or change their state. The hub calls the listener once for each change on any
   * node, from the moment when the call returns. A hub that has just started first waits until it knows all members.
   * Members that are already there cause no `join`. With central presence the hub first reads the room or topic. A
   * member that comes before the end of this read counts as already there. `list` and `count` wait for the read.
   *
   * @param event The event.
   * @param listener Called with the member.
   * @param query How to count members.
   * @returns Stops the listener.
   */
  on(
    event: "join" | "leave" | "update",
    listener: PresenceListener<State>,
    query?: Pick<PresenceQuery, "by">,
  ): () => void;
  /**
   * Sets the state of a connection of this node that is a member. The hub keeps a copy of the parsed state.
   *
   * @throws {HubError} `VALIDATION` when the state does not fit. `TOO_LARGE` when it has more than 16 KiB of JSON.
   * `BAD_REQUEST` when it cannot be encoded. `DISCONNECTED` when the connection is not a member, or not on this node.
   */
  set(conn: { readonly id: string }, state: StateInput): void;
}
