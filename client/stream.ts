/**
 * One topic on the wire.
 *
 * @module
 */

import { asSubscribed, type Position, type Schema } from "../contract/mod.ts";
import type { Backoff } from "./reconnect.ts";
import type { TopicListener } from "./subscription.ts";

/** One topic's subscription on the wire, and those who share it. */
export interface Stream {
  readonly topic: string;
  readonly schema: Schema;
  readonly members: Set<TopicListener>;
  readonly backoff: Backoff;
  /** The subscribe that has no answer yet. */
  asked: number | undefined;
  /** When the wait for its answer has begun, by the clock. */
  waitsSince: number;
  /** Whether the server has said that it is live, on this link. */
  live: boolean;
  /** Whether it has ever been. */
  established: boolean;
  /** The last message seen, where the topic keeps history. */
  position: Position | undefined;
  /** Whether a message before that was skipped, and the listeners have not been told yet. */
  incomplete: boolean;
  /** When it has become live, by the clock. */
  liveSince: number;
  /** How often in a row, on this link, it was renewed because of a hole soon after it had become live. */
  renewals: number;
  stopRetry: () => void;
}

/**
 * Goes on where the server says that the stream stands. Recovered is only what has arrived whole: by now everything up
 * to that position has been seen.
 *
 * @param stream The stream.
 * @param output The answer to its subscribe.
 * @returns Whether the stream was recovered.
 */
export function resume(stream: Stream, output: unknown): boolean {
  const answer = asSubscribed(output);
  const { position, incomplete: missed } = stream;
  stream.incomplete = false;
  if (
    answer?.recovered && position && position[0] === answer.position[0] && position[1] === answer.position[1]
  ) {
    return !missed;
  }
  stream.position = answer?.position;
  return false;
}
