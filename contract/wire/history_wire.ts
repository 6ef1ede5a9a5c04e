/**
 * The part of the wire that is about histories: where a subscriber begins, and what is read.
 *
 * @module
 */

import { HubError } from "../errors.ts";
import { isCount, isId, isRecord, isText } from "./checks.ts";

/** Where in a topic's history a subscriber is: the epoch of the history, and the offset of the last message seen. */
export type Position = readonly [epoch: string, offset: number];

/** From where on a client wants messages of a topic with history: one of these at the most. */
export interface Start {
  /** Everything after this position: the last message that it has. */
  readonly since?: Position;
  /** So many of the newest messages. */
  readonly last?: number;
  /** What was published in so many milliseconds before. */
  readonly withinMs?: number;
}

/** What a client asks for when it subscribes. Later versions may add properties. */
export interface SubOptions extends Start {
  /**
   * With `since`: asks for a `from` in front of what follows. Of an earlier subscription on the same link messages may still be
   * on their way, which are of another epoch.
   */
  readonly again?: boolean;
}

/** What a client asks for when it reads a history. Later versions may add properties. */
export interface HistoryAsk extends Start {
  /** At most so many messages; the server sends fewer where they are large. */
  readonly limit?: number;
  /** The newest first, of those after `since`. */
  readonly reverse?: boolean;
}

/** The answer to a subscribe, where the topic keeps history. */
export interface Subscribed {
  /** Where the stream stands: messages after this follow as `rec`. */
  readonly position: Position;
  /** Whether everything after the position that was asked for follows, or has been sent before this answer. */
  readonly recovered: boolean;
}

/** A page of a history. */
export interface HistoryAnswer {
  /** Where the topic stands. */
  readonly position: Position;
  /** Whether nothing that was asked for is missing before the first record. */
  readonly complete: boolean;
  /** The messages; an absent payload ends its record. */
  readonly records: readonly (readonly [offset: number, payload?: unknown])[];
  /** Whether more was asked for than a page holds. */
  readonly more?: boolean;
}

/** Whether a value is a position. */
export const isPosition = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isText(value[0]) && isCount(value[1]);

const isStart = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) &&
  (value.since === undefined || isPosition(value.since)) &&
  (value.last === undefined || isId(value.last)) &&
  (value.withinMs === undefined || isId(value.withinMs));

/** Whether a value is what a client may ask for when it subscribes. */
export const isSubOptions = (value: unknown): boolean =>
  value === undefined ||
  isStart(value) && (value.again === undefined || typeof value.again === "boolean");

/** A topic that a hello asks for: what a `sub` says, without its kind. */
export type TopicMark = readonly [id: number, topic: string, options?: SubOptions];

/** How long the topics of a hello may be, together, in bytes of JSON. */
export const MAX_HELLO_TOPICS_BYTES = 8 * 1024;

const isTopicMark = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= 3 && isId(value[0]) && isText(value[1]) && isSubOptions(value[2]);

/** Whether a value is what a hello may say of topics. */
export const isTopicMarks = (value: unknown): boolean =>
  value === undefined || Array.isArray(value) && value.every(isTopicMark);

/** Whether a value is what a client may ask for when it reads a history. */
export const isHistoryAsk = (value: unknown): boolean =>
  value === undefined ||
  isStart(value) && (value.limit === undefined || isCount(value.limit)) &&
    (value.reverse === undefined || typeof value.reverse === "boolean");

/**
 * Checks the answer to a subscribe to a topic with history.
 *
 * @param value What came as the answer's output.
 * @returns The answer, or `undefined` where the topic keeps none.
 */
export function asSubscribed(value: unknown): Subscribed | undefined {
  const isSubscribed = isRecord(value) && isPosition(value.position) && typeof value.recovered === "boolean";
  return isSubscribed ? value as unknown as Subscribed : undefined;
}

/**
 * Checks a page of a history.
 *
 * @param value What came as the answer's output.
 * @throws {HubError} `BAD_REQUEST` when it is none.
 */
export function asHistoryAnswer(value: unknown): HistoryAnswer {
  if (
    isRecord(value) && isPosition(value.position) && Array.isArray(value.records) &&
    value.records.every((record) => Array.isArray(record) && isCount(record[0]))
  ) return value as unknown as HistoryAnswer;
  throw new HubError("BAD_REQUEST", "Cannot read the page of a history: it is none");
}
