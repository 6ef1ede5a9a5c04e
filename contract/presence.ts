/**
 * Who is in a room or topic, as hub and client tell it.
 *
 * @module
 */

/** What counts as one member: a user with all of its connections, or each connection by itself. */
export type PresenceBy = "user" | "connection";

/** A member of a room or topic. */
export interface PresenceMember<State = unknown> {
  /** The user's id; that of the connection where it is anonymous, or where each connection counts by itself. */
  readonly id: string;
  /** The user's id; `undefined` when anonymous. */
  readonly user: string | undefined;
  /** The node that serves it; of several connections that whose state this is. */
  readonly node: string;
  /** Its state; of several connections the one that was set last. `undefined` until one is set. */
  readonly state: State | undefined;
}

/** A part of the members of a room or topic. */
export interface PresencePage<State = unknown> {
  /** The members, by the order of their ids. */
  readonly members: readonly PresenceMember<State>[];
  /** How many there are in all. */
  readonly count: number;
  /** Give it to the next call for the next page; absent after the last one. */
  readonly cursor?: string;
}

/** What has become of a member. */
export interface PresenceChange<State = unknown> {
  /** It came, left, or has another state or node. */
  readonly type: "join" | "leave" | "update";
  /** As it is now; as it was when it left. */
  readonly member: PresenceMember<State>;
}

/** A place where somebody is present: a room by its name, or a topic. */
export type PresencePlace = string | { readonly topic: string };
