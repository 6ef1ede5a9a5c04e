/**
 * The types of topics by pattern, for users of a hub.
 *
 * @module
 */

import type { HistoryTopicsOf, NameOf, Suggestion, TopicNames, TopicOutput } from "../../contract/mod.ts";
import type { HistoryPage, HistoryQuery, Published, PublishOptions } from "./history.ts";

/**
 * A topic to publish on.
 *
 * @typeParam N Its name.
 * @typeParam Input The type of a payload that you publish.
 * @typeParam History Whether it keeps history.
 */
export interface TopicPublisher<N extends string, Input, History extends boolean> {
  /** Its concrete name. */
  readonly name: N;
  /** Publishes on it; see {@linkcode Hub.publish}. */
  publish(
    payload: Input,
    ...options: History extends true ? [options?: PublishOptions] : []
  ): History extends true ? Promise<Published> : void;
}

/** Reads the history of a topic. */
export interface TopicReader<Output> {
  /** The kept messages; see {@linkcode HistoryReader.history}. */
  history(query?: HistoryQuery): Promise<HistoryPage<Output>>;
  /** The position of the newest message; see {@linkcode HistoryReader.position}. */
  position(): Promise<Published>;
}

/**
 * A shared topic: to publish on, and to read when it keeps history.
 *
 * @typeParam N Its name.
 * @typeParam Input The type of a payload that you publish.
 * @typeParam Output The type of a payload that you read from the history.
 * @typeParam History Whether it keeps history.
 */
export type HubTopic<N extends string, Input, Output, History extends boolean> =
  & TopicPublisher<N, Input, History>
  & (History extends true ? TopicReader<Output> : unknown);

/** Reads the histories of topics. */
export interface HistoryReader<T> {
  /**
   * Reads the kept messages of a topic with history. Rejects with `NOT_FOUND` when the contract has no such topic.
   * Rejects with `UNAVAILABLE` or `TIMEOUT` when the store cannot be read. Rejects with `TypeError` or `RangeError`
   * when the query is wrong.
   */
  history<N extends TopicNames<HistoryTopicsOf<T>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<HistoryTopicsOf<T>>, NameOf<HistoryTopicsOf<T>>>,
    query?: HistoryQuery,
  ): Promise<HistoryPage<TopicOutput<T, N>>>;
  /**
   * The position of the newest message of a topic with history; offset 0 before the first. Rejects as `history` does.
   */
  position<N extends TopicNames<HistoryTopicsOf<T>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<HistoryTopicsOf<T>>, NameOf<HistoryTopicsOf<T>>>,
  ): Promise<Published>;
}
