/**
 * Variants of the chat of `fanout`: MessagePack in place of JSON, and requests in place of signals.
 *
 * @module
 */

import { type Shape, studyOfShares } from "./shares.ts";

/** The chat, in one dialect. */
function chat(name: string, dialect: string, atLeast?: number): Shape {
  const load = { shape: "fanout", clients: 32, messages: 640 } as const;
  return {
    name,
    dialect,
    load,
    quick: { ...load, messages: 160, leastMs: 300 },
    ...(atLeast !== undefined && { atLeast }),
  };
}

/** The study. */
export const variants = studyOfShares({
  name: "variants",
  what: "the chat of 32 clients × 640 messages with other codecs and ways to say a line",
  text:
    "The chat of `fanout`, in three ways. With signals, a client gets no answer to its lines. With requests, it gets an " +
    "answer to each, between the lines of all.",
  heading: "a line is",
  // MessagePack must not cost more than JSON, and an answer for one of 32 clients should cost little.
  shapes: [
    chat("a signal, JSON", "trunkline"),
    chat("a signal, MessagePack", "msgpack", 1),
    chat("a request, JSON", "answered", 0.85),
  ],
});
