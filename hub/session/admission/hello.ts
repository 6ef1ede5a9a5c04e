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

/** A hello while the hub keeps it. */
export interface KeptHello extends Omit<Hello, "topics"> {
  /** The topics, as JSON: the text needs a tenth of the memory. See {@linkcode topicsOf}. */
  readonly topics: string | undefined;
}

/**
 * Reads a hello. The client is not authenticated yet and may send anything, so the hub keeps only what it needs.
 *
 * @param hello The hello, of the right form.
 * @throws {HubError} `BAD_REQUEST` when it asks for too many topics. The hub does not skip any of them in silence.
 */
export function readHello({ role, token, rooms, topics, joined, earlier }: Hello): KeptHello {
  return {
    role,
    token,
    rooms: rooms?.slice(0, MAX_HELLO_ROOMS),
    topics: topics && JSON.stringify(readTopics(topics)),
    joined,
    earlier: earlier?.slice(-MAX_EARLIER),
  };
}

/** The topics of a hello. */
export function topicsOf({ topics }: KeptHello): readonly TopicMark[] | undefined {
  return topics === undefined ? undefined : JSON.parse(topics);
}

function readTopics(marks: readonly TopicMark[]): TopicMark[] {
  let left = MAX_HELLO_TOPICS_BYTES;
  return marks.map(([id, topic, options]) => {
    const start = options && startOf(options);
    left -= MIN_MARK_BYTES + Math.max(0, topic.length - 1) + (start?.since?.[0].length ?? 0);
    if (left >= 0) return start ? [id, topic, start] : [id, topic];
    throw new HubError(
      "BAD_REQUEST",
      `A hello may ask for topics of ${MAX_HELLO_TOPICS_BYTES} bytes: ask for the others after the welcome`,
    );
  });
}
