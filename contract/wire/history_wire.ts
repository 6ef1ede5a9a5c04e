/**
 * The history part of the wire: where a subscription begins, and how a client reads a history.
 *
 * @module
 */

import { HubError } from "../errors.ts";
import { isCount, isId, isRecord, isText } from "./checks.ts";

/** A position in a topic's history: the epoch of the history, and the offset of the last message seen. */
export type Position = readonly [epoch: string, offset: number];

/** Where messages of a topic with history begin for a client: at most one of these. */
export interface Start {
  /** Every message after this position, which is the last message that the client has. */
  readonly since?: Position;
  /** This many of the newest messages. */
  readonly last?: number;
  /** The messages of this many milliseconds before now. */
  readonly withinMs?: number;
}

/** The options of a subscribe. Later versions may add properties. */
export interface SubOptions extends Start {
  /**
   * With `since`: asks the server for a `from` before the messages that follow. Messages of an earlier subscription
   * on the same link may still arrive, and may be of another epoch.
   */
  readonly again?: boolean;
}

/** The options of reading a history. Later versions may add properties. */
export interface HistoryAsk extends Start {
  /** The largest number of messages. The server sends fewer if they are large. */
  readonly limit?: number;
  /** The newest first, of the messages after `since`. */
  readonly reverse?: boolean;
}

/** The answer to a subscribe, where the topic keeps history. */
export interface Subscribed {
  /** The position of the stream: later messages follow as `rec`. */
  readonly position: Position;
  /** Whether every message after the requested position follows, or was sent before this answer. */
  readonly recovered: boolean;
}

/** A page of a history. */
export interface HistoryAnswer {
  /** The newest position of the topic. */
  readonly position: Position;
  /** Whether no requested message is missing before the first record. */
  readonly complete: boolean;
  /** The messages. A record without a payload has only its offset. */
  readonly records: readonly (readonly [offset: number, payload?: unknown])[];
  /** Whether there are more requested messages than this page holds. */
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

/** Whether a value holds valid options of a subscribe. */
export const isSubOptions = (value: unknown): boolean =>
  value === undefined ||
  isStart(value) && (value.again === undefined || typeof value.again === "boolean");

/** A topic in a hello: the elements of a `sub`, without its kind. */
export type TopicMark = readonly [id: number, topic: string, options?: SubOptions];

/** The largest size of all topics in a hello together, in bytes of JSON. */
export const MAX_HELLO_TOPICS_BYTES = 8 * 1024;

const isTopicMark = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= 3 && isId(value[0]) && isText(value[1]) && isSubOptions(value[2]);

/** Whether a value is a valid list of topics in a hello. */
export const isTopicMarks = (value: unknown): boolean =>
  value === undefined || Array.isArray(value) && value.every(isTopicMark);

/** Whether a value holds valid options of reading a history. */
export const isHistoryAsk = (value: unknown): boolean =>
  value === undefined ||
  isStart(value) && (value.limit === undefined || isCount(value.limit)) &&
    (value.reverse === undefined || typeof value.reverse === "boolean");

/**
 * Checks the answer to a subscribe to a topic with history.
 *
 * @param value The output of the answer.
 * @returns The answer, or `undefined` if the topic keeps no history.
 */
export function asSubscribed(value: unknown): Subscribed | undefined {
  const isSubscribed = isRecord(value) && isPosition(value.position) && typeof value.recovered === "boolean";
  return isSubscribed ? value as unknown as Subscribed : undefined;
}

/**
 * Checks a page of a history.
 *
 * @param value The output of the answer.
 * @throws {HubError} `BAD_REQUEST` when it is not a page.
 */
export function asHistoryAnswer(value: unknown): HistoryAnswer {
  if (
    isRecord(value) && isPosition(value.position) && Array.isArray(value.records) &&
    value.records.every((record) => Array.isArray(record) && isCount(record[0]))
  ) return value as unknown as HistoryAnswer;
  throw new HubError("BAD_REQUEST", "Cannot read the page of a history: it is not of the protocol");
}
