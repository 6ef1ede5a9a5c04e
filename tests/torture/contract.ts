/**
 * What is said in the torture: messages that know what they are, on topics with long and short histories, and in rooms.
 *
 * @module
 */

import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

/** A message: its number is used once, and its topic and publisher follow from what the number was drawn with. */
const Message = z.object({ topic: z.string(), publisher: z.number(), number: z.number() });

/** A message. */
export type Message = z.infer<typeof Message>;

/** How many messages the histories keep: one in {@linkcode SHORT_EVERY} is short, so that clients come back too late. */
export const SIZES = { long: 4_000, short: 48 } as const;

const SHORT_EVERY = 8;
/** One in so many is a room rather than a topic. */
const ROOM_EVERY = 5;

/** How many publishers there are; each number is one's. */
export const PUBLISHERS = 7;

const LONG = { size: SIZES.long, ttlMs: 3_600_000 } as const;

/** A message. */
export const contract = defineContract({
  roles: {
    member: {
      clientToServer: { join: { input: z.object({ rooms: z.array(z.string()) }), output: z.void() } },
      serverToClient: { said: { payload: Message } },
    },
  },
  rooms: { "room/:number": { history: LONG } },
  shared: {
    topics: {
      "long/:number": { payload: Message, history: LONG },
      "short/:number": { payload: Message, history: { ...LONG, size: SIZES.short } },
    },
  },
});

/** The name of a room. */
export type RoomName = `room/${number}`;

/** The name of a topic, or of a room: both are published on and listened to, and have the same promises. */
export type TopicName = `long/${number}` | `short/${number}` | RoomName;

/** Whether a name is that of a room. */
export const isRoom = (name: TopicName): name is RoomName => name.startsWith("room/");

/** The names of so many topics and rooms. */
export function topicNames(count: number): TopicName[] {
  return Array.from({ length: count }, (_, i): TopicName => {
    if (i % SHORT_EVERY === SHORT_EVERY - 1) return `short/${i}`;
    return i % ROOM_EVERY === ROOM_EVERY - 1 ? `room/${i}` : `long/${i}`;
  });
}

/** How many messages the history of a topic keeps. */
export const sizeOf = (topic: string): number => topic.startsWith("short/") ? SIZES.short : SIZES.long;
