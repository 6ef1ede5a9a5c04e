/**
 * Presence on the wire: who is in a room or topic, in small parts. `docs/protocol.md` explains the messages.
 *
 * @module
 */

import { HubError, type WireError } from "../errors.ts";
import type { PresenceBy, PresenceMember, PresencePlace } from "../presence.ts";
import { isCount, isError, isId, isRecord, isText, isTextOrAbsent } from "./checks.ts";

/** The largest number of members on a page that a client asks for. */
export const MAX_MEMBERS_PAGE = 1_000;

/** The options of watching a place. Later versions may add properties. */
export interface WatchOptions {
  /** What counts as one member. Default: `"user"`. */
  readonly by?: PresenceBy;
}

/** The options of asking for members. Later versions may add properties. */
export interface MembersQuery {
  /** What counts as one member. Default: `"user"`. */
  readonly by?: PresenceBy;
  /** The largest number of members. Default: 100. Never more than {@linkcode MAX_MEMBERS_PAGE}. */
  readonly limit?: number;
  /** The cursor of the page before. */
  readonly cursor?: string;
}

/**
 * A member: its id; its user (`1` if it is the same as the id, `0` if there is none); its node, as an index into the
 * `nodes` of the same message; and its state, if there is one.
 */
export type WireMember = readonly [id: string, user: string | 0 | 1, node: number, state?: unknown];

/** A change of a place's members. Apply it in this order: `all`, `out`, `in`. */
export interface WhoChange {
  /** The ids of the nodes that the members here refer to. */
  readonly nodes?: readonly string[];
  /** All members, or the first page of them. A member that was known before and is not on these pages has left. */
  readonly all?: readonly WireMember[];
  /** The ids of the members that left. */
  readonly out?: readonly string[];
  /** The members that joined, or that have another state, node or user. */
  readonly in?: readonly WireMember[];
  /** `true` if another page of all members follows. */
  readonly more?: boolean;
  /** The number of members. Absent if it did not change. */
  readonly count?: number;
  /** `false` if there are too many members to list. Then the server sends only `count`, until it sends `all`. */
  readonly listed?: boolean;
  /** Whether the server knows every member. Sent at the end of the first list of a watch, and when it changes. */
  readonly synced?: boolean;
  /** Why the server sends no more changes. */
  readonly error?: WireError;
}

/** The answer to a request for members. */
export interface MembersPage {
  /** The ids of the nodes that the members here refer to. */
  readonly nodes: readonly string[];
  /** The members. */
  readonly members: readonly WireMember[];
  /** The number of all members. */
  readonly count: number;
  /** Where the next page begins. Absent on the last page. */
  readonly cursor?: string;
}

const isBy = (value: unknown): value is PresenceBy => value === "user" || value === "connection";
const isByOrAbsent = (value: unknown): boolean => value === undefined || isBy(value);
const isFlagOrAbsent = (value: unknown): boolean => value === undefined || typeof value === "boolean";
const isListOf = <T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] =>
  Array.isArray(value) && value.every(isItem);
const isQuery = (value: unknown): boolean =>
  value === undefined || isRecord(value) && isByOrAbsent(value.by) && isTextOrAbsent(value.cursor) &&
    (value.limit === undefined || isId(value.limit));

/**
 * Whether a decoded message is one of the presence messages of a client.
 *
 * @param m The message.
 */
export function isFromWatcher(m: readonly unknown[]): boolean {
  switch (m[0]) {
    case "watch":
    case "members":
      return m.length <= 4 && isId(m[1]) && isText(m[2]) && isQuery(m[3]);
    case "unwatch":
      return m.length <= 3 && isText(m[1]) && isBy(m[2]);
    case "state":
      return m.length <= 4 && isId(m[1]) && isText(m[2]);
    default:
      return false;
  }
}

const unreadable = () => new HubError("BAD_REQUEST", "Cannot read the members: not of the protocol");

function areMembers(value: unknown, nodes: unknown): boolean {
  const count = Array.isArray(nodes) ? nodes.length : 0;
  const isMember = (m: unknown): m is WireMember =>
    Array.isArray(m) && (m.length === 3 || m.length === 4) && isText(m[0]) &&
    (isText(m[1]) || m[1] === 0 || m[1] === 1) && isCount(m[2]) && (m[2] as number) < count;
  return isListOf(value, isMember);
}

/**
 * Checks a change of a place's members.
 *
 * @param value The change in the message.
 * @throws {HubError} `BAD_REQUEST` when it is not of the protocol.
 */
export function asWhoChange(value: unknown): WhoChange {
  const fits = isRecord(value) && (value.nodes === undefined || isListOf(value.nodes, isText)) &&
    (value.all === undefined || areMembers(value.all, value.nodes)) &&
    (value.in === undefined || areMembers(value.in, value.nodes)) &&
    (value.out === undefined || isListOf(value.out, isText)) &&
    (value.count === undefined || isCount(value.count)) &&
    (value.error === undefined || isError(value.error)) &&
    isFlagOrAbsent(value.more) && isFlagOrAbsent(value.listed) && isFlagOrAbsent(value.synced);
  if (fits) return value as WhoChange;
  throw unreadable();
}

/**
 * Checks the answer to a request for members.
 *
 * @param value The output of the answer.
 * @throws {HubError} `BAD_REQUEST` when it is not of the protocol.
 */
export function asMembersPage(value: unknown): MembersPage {
  const fits = isRecord(value) && isListOf(value.nodes, isText) && areMembers(value.members, value.nodes) &&
    isCount(value.count) && isTextOrAbsent(value.cursor);
  if (fits) return value as unknown as MembersPage;
  throw unreadable();
}

/**
 * Reads a member.
 *
 * @param member The member as it came over the wire.
 * @param nodes The `nodes` of the same message.
 */
export function readWireMember(
  [id, user, node, state]: WireMember,
  nodes: readonly string[],
): PresenceMember {
  return { id, user: user === 1 ? id : user === 0 ? undefined : user, node: nodes[node]!, state };
}

/**
 * The name of a place on the wire: `room:lobby`, `topic:ticker/ACME`.
 *
 * @param place The place.
 */
export function wirePlace(place: PresencePlace): string {
  return typeof place === "string" ? `room:${place}` : `topic:${place.topic}`;
}

/**
 * The place that a name on the wire means; `undefined` if the name has another form.
 *
 * @param name The name in the message.
 */
export function placeOfWire(name: string): PresencePlace | undefined {
  if (name.startsWith("room:")) return name.slice(5);
  return name.startsWith("topic:") ? { topic: name.slice(6) } : undefined;
}
