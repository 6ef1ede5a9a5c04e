/**
 * Who is in a room or topic, as hub and client report it.
 *
 * @module
 */

/** What counts as one member: a user with all its connections, or each connection by itself. */
export type PresenceBy = "user" | "connection";

/** A member of a room or topic. */
export interface PresenceMember<State = unknown> {
  /** The user's id. The connection's id if it is anonymous, or if each connection counts by itself. */
  readonly id: string;
  /** The user's id; `undefined` when anonymous. */
  readonly user: string | undefined;
  /** The node that serves the member. For several connections: the node of the connection that `state` comes from. */
  readonly node: string;
  /** The member's state. For several connections: the state that was set last. `undefined` until one is set. */
  readonly state: State | undefined;
}

/** One page of the members of a room or topic. */
export interface PresencePage<State = unknown> {
  /** The members, sorted by id. */
  readonly members: readonly PresenceMember<State>[];
  /** The number of all members. */
  readonly count: number;
  /** Give it to the next call to get the next page. Absent on the last page. */
  readonly cursor?: string;
}

/** A change of a member. */
export interface PresenceChange<State = unknown> {
  /** The member came, left, or has another state or node. */
  readonly type: "join" | "leave" | "update";
  /** The member after the change. For `leave`: the member as it was before. */
  readonly member: PresenceMember<State>;
}

/** A place that has members: a room by its name, or a topic. */
export type PresencePlace = string | { readonly topic: string };
