/**
 * Topics by their patterns, as users of a hub see them.
 *
 * @module
 */

import type { HistoryTopicsOf, NameOf, Suggestion, TopicNames, TopicOutput } from "../../contract/mod.ts";
import type { HistoryPage, HistoryQuery, Published, PublishOptions } from "./history.ts";

/**
 * A topic to publish on.
 *
 * @typeParam N Its name.
 * @typeParam Input What is given to it.
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

/** Reads of a topic with history. */
export interface TopicReader<Output> {
  /** What is kept of it; see {@linkcode HistoryReader.history}. */
  history(query?: HistoryQuery): Promise<HistoryPage<Output>>;
  /** Where it stands; see {@linkcode HistoryReader.position}. */
  position(): Promise<Published>;
}

/**
 * A shared topic: to publish on, and to read where it keeps history.
 *
 * @typeParam N Its name.
 * @typeParam Input What is given to it.
 * @typeParam Output What is read of its history.
 * @typeParam History Whether it keeps history.
 */
export type HubTopic<N extends string, Input, Output, History extends boolean> =
  & TopicPublisher<N, Input, History>
  & (History extends true ? TopicReader<Output> : unknown);

/** Reads of the topics with history among some. */
export interface HistoryReader<T> {
  /**
   * What is kept of a topic with history, when it is called: it rejects with `NOT_FOUND` where the contract has none of that name, with
   * `UNAVAILABLE` or `TIMEOUT` when the store cannot be read, and with `TypeError` or `RangeError` for a wrong query.
   */
  history<N extends TopicNames<HistoryTopicsOf<T>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<HistoryTopicsOf<T>>, NameOf<HistoryTopicsOf<T>>>,
    query?: HistoryQuery,
  ): Promise<HistoryPage<TopicOutput<T, N>>>;
  /** Where a topic with history stands: the position of its newest message; offset 0 before the first. Rejects as `history` does. */
  position<N extends TopicNames<HistoryTopicsOf<T>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<HistoryTopicsOf<T>>, NameOf<HistoryTopicsOf<T>>>,
  ): Promise<Published>;
}
