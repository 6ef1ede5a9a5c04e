/**
 * What rooms, topics, roles, users and nodes are called on the backplane.
 *
 * @module
 */

import { hasLoneSurrogate } from "../../contract/mod.ts";

/** Users share so many channels, so that a node needs no subscription per user. See docs/decisions. */
export const USER_PARTITIONS = 64;

/** The channel that every node listens to. */
export const CLUSTER_CHANNEL = "cluster";

/** The channel on which nodes say who is where, where the contract has presence. */
export const PRESENCE_CHANNEL = "presence";

const ROOM = "room:";

/** The channel of a room. */
export const roomChannel = (room: string): string => ROOM + room;

/** The room of a channel, if it is a room's. */
export const roomOf = (channel: string): string | undefined =>
  channel.startsWith(ROOM) ? channel.slice(ROOM.length) : undefined;

/** The channel of a topic: of a role's own one when `role` is given. */
export const topicChannel = (topic: string, role?: string): string =>
  role === undefined ? `topic:${topic}` : `topic@${encodeURIComponent(role)}:${topic}`;

/** The name of the room or topic whose channel this is. */
export const nameOfChannel = (channel: string): string => channel.slice(channel.indexOf(":") + 1);

/** The channel on which nodes say what they have changed in a place, by the channel of its room or topic. */
export const placeChannel = (place: string): string => `presence/${place}`;

/** The place of such a channel. */
export const placeOf = (channel: string): string => channel.slice("presence/".length);

/** The channel of all connections of a role. */
export const roleChannel = (role: string): string => `role:${role}`;

/** The inbox of a node. */
export const nodeChannel = (nodeId: string): string => `node:${nodeId}`;

/** The channel of the users whose ids hash alike (FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/). */
export function userChannel(user: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < user.length; i++) hash = Math.imul(hash ^ user.charCodeAt(i), 0x01000193);
  return `user:${(hash >>> 0) % USER_PARTITIONS}`;
}

/** The group of a user's connections. */
export const userGroup = (user: string): string => `who:${user}`;

/**
 * Checks who or what is addressed: `hub.user(undefined)` must not reach whoever is called "undefined".
 *
 * @param name The name.
 * @param what What it is the name of, for the error.
 * @throws {TypeError} When it is not text, or is text that cannot travel.
 */
export function readName(name: unknown, what: string): string {
  if (typeof name === "string") {
    if (!hasLoneSurrogate(name)) return name;
    throw new TypeError(
      `Cannot address a ${what} by a name with half a surrogate pair: other nodes cannot be told of it`,
    );
  }
  throw new TypeError(
    `Cannot address a ${what} by ${name === null ? "null" : typeof name}: give its name as text`,
  );
}
