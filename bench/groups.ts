/**
 * Groups: many publishes in one turn, to clients that are in many groups. Messages that all clients get share a frame, so
 * the same number of publishes to one topic is the limit.
 *
 * @module
 */

import { type Shape, studyOfShares } from "./shares.ts";

const CLIENTS = 500;
const PUBLISHES = 200;

/** A number of topics, and how many of them each client has. */
function shape(name: string, topics: number, each: number, atLeast?: number): Shape {
  const load = {
    shape: "groups",
    clients: CLIENTS,
    publishes: PUBLISHES,
    topics,
    each,
    forMs: 1_000,
  } as const;
  return {
    name,
    dialect: "topics",
    load,
    quick: { ...load, clients: 100, forMs: 200 },
    ...(atLeast !== undefined && { atLeast }),
  };
}

/** The study. */
export const groups = studyOfShares({
  name: "groups",
  what: "many publishes in one turn, to clients that are in many groups",
  text:
    `${CLIENTS} clients subscribe to topics, and one more client publishes ${PUBLISHES} messages in one frame, again and ` +
    "again, to each topic in turn. The hub publishes them in one turn. What all clients get shares frames, whatever topics it " +
    "comes from. Clients with different topics get different frames.",
  heading: "topics of a client",
  // The same topics should cost little more than one topic.
  shapes: [
    shape("one topic", 1, 1),
    shape("the same 200 topics", 200, 200, 0.6),
    shape("any 20 of 200 topics", 200, 20),
  ],
});
