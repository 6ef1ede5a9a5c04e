/**
 * The part of a hello that a hub keeps while it authenticates the client. This may take seconds, for thousands of
 * clients at the same time.
 *
 * @module
 */

import {
  type Hello,
  HubError,
  MAX_EARLIER,
  MAX_HELLO_ROOMS,
  MAX_HELLO_TOPICS_BYTES,
  type TopicMark,
} from "../../../contract/mod.ts";
import { startOf } from "../subscriptions.ts";

/** The shortest topic of a hello, `[1,"a"],`, in bytes. */
const MIN_MARK_BYTES = 8;

/** So few topics without options stay as they are. */
const FEW = 4;

/** A hello while the hub keeps it. */
export interface KeptHello extends Omit<Hello, "topics"> {
  /** The topics; as JSON after {@linkcode fold}. See {@linkcode topicsOf}. */
  topics: readonly TopicMark[] | string | undefined;
}

/**
 * Reads a hello. The client is not authenticated yet and may send anything, so the hub keeps only what it needs.
 *
 * @param hello The hello, of the right form.
 * @throws {HubError} `BAD_REQUEST` when it asks for too many topics. The hub does not skip any of them in silence.
 */
export function readHello({ role, token, rooms, topics, joined, earlier }: Hello): KeptHello {
  if (topics) checkSize(topics);
  return {
    role,
    token,
    rooms: rooms?.slice(0, MAX_HELLO_ROOMS),
    topics,
    joined,
    earlier: earlier?.slice(-MAX_EARLIER),
  };
}

/** Makes a hello small. Call it before the hub waits: as text, the topics need a tenth of the memory. */
export function fold(hello: KeptHello): void {
  const { topics } = hello;
  if (typeof topics !== "object") return;
  if (topics.length <= FEW && topics.every(isPlain)) return;
  hello.topics = JSON.stringify(
    topics.map(([id, topic, options]) => options ? [id, topic, startOf(options)] : [id, topic]),
  );
}

function isPlain({ length }: TopicMark): boolean {
  return length === 2;
}

/** The topics of a hello. */
export function topicsOf({ topics }: KeptHello): readonly TopicMark[] | undefined {
  return typeof topics === "string" ? JSON.parse(topics) : topics;
}

function checkSize(marks: readonly TopicMark[]): void {
  let left = MAX_HELLO_TOPICS_BYTES;
  for (const [, topic, options] of marks) {
    const since = options && startOf(options).since;
    left -= MIN_MARK_BYTES + Math.max(0, topic.length - 1) + (since?.[0].length ?? 0);
    if (left >= 0) continue;
    throw new HubError(
      "BAD_REQUEST",
      `A hello may ask for topics of ${MAX_HELLO_TOPICS_BYTES} bytes: ask for the others after the welcome`,
    );
  }
}
