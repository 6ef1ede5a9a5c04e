/**
 * The names of the backplane channels of rooms, topics, roles, users and nodes.
 *
 * @module
 */

import { hasLoneSurrogate, kindOf } from "../../contract/mod.ts";

/** How many channels all users share, so that a node does not need a subscription per user. See docs/decisions. */
export const USER_PARTITIONS = 64;

/** The channel that every node listens to. */
export const CLUSTER_CHANNEL = "cluster";

/** The channel of presence messages between nodes, if the contract has presence. */
export const PRESENCE_CHANNEL = "presence";

const ROOM = "room:";

/** The last room and its channel: messages to one room often come in a row, and joined text has no hash yet. */
let last = { room: "", channel: ROOM };

/** The channel of a room. */
export function roomChannel(room: string): string {
  if (room !== last.room) last = { room, channel: ROOM + room };
  return last.channel;
}

/** The room of a channel; `undefined` for other channels. */
export const roomOf = (channel: string): string | undefined =>
  channel.startsWith(ROOM) ? channel.slice(ROOM.length) : undefined;

/** The channel of a topic. With `role`: the channel of that role's own topic. */
export const topicChannel = (topic: string, role?: string): string =>
  role === undefined ? `topic:${topic}` : `topic@${encodeURIComponent(role)}:${topic}`;

/** The name of the room or topic of a channel. */
export const nameOfChannel = (channel: string): string => channel.slice(channel.indexOf(":") + 1);

/** The channel of the presence changes in a room or topic. Takes the channel of the room or topic. */
export const placeChannel = (place: string): string => `presence/${place}`;

/** The room's or topic's channel of a {@linkcode placeChannel}. */
export const placeOf = (channel: string): string => channel.slice("presence/".length);

/** The channel of all connections of a role. */
export const roleChannel = (role: string): string => `role:${role}`;

/** The inbox of a node. */
export const nodeChannel = (nodeId: string): string => `node:${nodeId}`;

/** The channel of a user: users with the same hash share it (FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/). */
export function userChannel(user: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < user.length; i++) hash = Math.imul(hash ^ user.charCodeAt(i), 0x01000193);
  return `user:${(hash >>> 0) % USER_PARTITIONS}`;
}

/** The group of a user's connections. */
export const userGroup = (user: string): string => `who:${user}`;

/**
 * Checks a name that a caller gave: `hub.user(undefined)` must not reach a user called "undefined".
 *
 * @param name The name.
 * @param what The kind of thing that has this name, for the error.
 * @throws {TypeError} When the name is not text, or holds half a surrogate pair.
 */
export function readName(name: unknown, what: string): string {
  if (typeof name === "string") {
    if (!hasLoneSurrogate(name)) return name;
    throw new TypeError(
      `Cannot address a ${what} by a name with half a surrogate pair: such a name cannot be sent to other nodes`,
    );
  }
  throw new TypeError(
    `Cannot address a ${what} by ${name === null ? "null" : typeof name}: give its name as text`,
  );
}

/**
 * Reads the id of a connection that a caller gave.
 *
 * @param conn The connection, or an object with its id.
 * @throws {TypeError} When it is something else, such as the id alone.
 */
export function idOf(conn: unknown): string {
  const id = (conn as { readonly id?: unknown } | null | undefined)?.id;
  if (typeof id === "string") return readName(id, "connection");
  const hint = typeof conn === "string" ? ", not its id alone" : "";
  throw new TypeError(`Cannot address a connection by ${kindOf(conn)}: give the connection itself${hint}`);
}
