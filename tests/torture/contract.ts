/**
 * What is said in the torture: messages that know what they are, on topics with long and short histories.
 *
 * @module
 */

import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

/** A message: its number is used once, and its topic and publisher follow from what the number was drawn with. */
const Message = z.object({ topic: z.string(), publisher: z.number(), number: z.number() });

/** How many messages the histories keep: one in {@linkcode SHORT_EVERY} is short, so that clients come back too late. */
export const SIZES = { long: 4_000, short: 48 } as const;

const SHORT_EVERY = 8;

/** How many publishers there are; each number is one's. */
export const PUBLISHERS = 7;

/** What is said and heard. */
export const contract = defineContract({
  roles: { member: {} },
  shared: {
    topics: {
      "long/:number": { payload: Message, history: { size: SIZES.long, ttlMs: 3_600_000 } },
      "short/:number": { payload: Message, history: { size: SIZES.short, ttlMs: 3_600_000 } },
    },
  },
});

/** The name of a topic. */
export type TopicName = `long/${number}` | `short/${number}`;

/** The names of so many topics. */
export function topicNames(count: number): TopicName[] {
  return Array.from(
    { length: count },
    (_, i): TopicName => i % SHORT_EVERY === SHORT_EVERY - 1 ? `short/${i}` : `long/${i}`,
  );
}

/** How many messages the history of a topic keeps. */
export const sizeOf = (topic: string): number => topic.startsWith("short/") ? SIZES.short : SIZES.long;
