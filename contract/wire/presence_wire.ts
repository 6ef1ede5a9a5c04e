/**
 * Presence on the wire: who is in a place, in parts that are small. `docs/protocol.md` tells what they mean.
 *
 * @module
 */

import { HubError, type WireError } from "../errors.ts";
import type { PresenceBy, PresenceMember, PresencePlace } from "../presence.ts";
import { isCount, isError, isId, isRecord, isText, isTextOrAbsent } from "./checks.ts";

/** How many members one page may hold that a client asks for. */
export const MAX_MEMBERS_PAGE = 1_000;

/** What a client asks for when it watches a place. Later versions may add properties. */
export interface WatchOptions {
  /** Whom to count as one; `"user"` where it does not say. */
  readonly by?: PresenceBy;
}

/** Which members a client asks for. Later versions may add properties. */
export interface MembersQuery {
  /** Whom to count as one; `"user"` where it does not say. */
  readonly by?: PresenceBy;
  /** How many at the most; 100 where it does not say, and never more than {@linkcode MAX_MEMBERS_PAGE}. */
  readonly limit?: number;
  /** What the page before ended with. */
  readonly cursor?: string;
}

/**
 * A member: its id; its user, which is `1` where it is the id and `0` where there is none; its node, as an index of the
 * `nodes` beside it; and its state, if there is one.
 */
export type WireMember = readonly [id: string, user: string | 0 | 1, node: number, state?: unknown];

/** What has become of a place. It is taken in this order: forget, take out, put in. */
export interface WhoChange {
  /** The ids of nodes, for the members here. */
  readonly nodes?: readonly string[];
  /** Everybody, or the first page of them: whoever was known before and does not come again is not in any more. */
  readonly all?: readonly WireMember[];
  /** The ids of those who are not in any more. */
  readonly out?: readonly string[];
  /** Those who are in now, or have another state, node or user. */
  readonly in?: readonly WireMember[];
  /** `true` where another page of everybody follows. */
  readonly more?: boolean;
  /** How many are in; absent where that has not changed. */
  readonly count?: number;
  /** `false` where there are too many to list: only `count` is told, until `all` comes. */
  readonly listed?: boolean;
  /** Whether the server knows of everybody who is in. Comes with the end of what a watch is told first, and when it changes. */
  readonly synced?: boolean;
  /** Why nothing is told from here on. */
  readonly error?: WireError;
}

/** The answer to a question for members. */
export interface MembersPage {
  /** The ids of nodes, for the members here. */
  readonly nodes: readonly string[];
  /** The members. */
  readonly members: readonly WireMember[];
  /** How many there are in all. */
  readonly count: number;
  /** Where the next page begins; absent after the last one. */
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
 * Whether a decoded message is one that a client sends about presence.
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
 * Checks what a server tells of a place.
 *
 * @param value What came with the message.
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
 * Checks the answer to a question for members.
 *
 * @param value What came as the answer's output.
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
 * @param member As it came over the wire.
 * @param nodes The nodes beside it.
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
 * The place of a name on the wire; `undefined` when there is none of this form.
 *
 * @param name What came with the message.
 */
export function placeOfWire(name: string): PresencePlace | undefined {
  if (name.startsWith("room:")) return name.slice(5);
  return name.startsWith("topic:") ? { topic: name.slice(6) } : undefined;
}
