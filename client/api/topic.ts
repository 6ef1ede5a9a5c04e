/**
 * A topic by its pattern, as a client sees it.
 *
 * @module
 */

import type {
  HistorySubscribeOptions,
  HistorySubscription,
  SubscribeOptions,
  Subscription,
  TopicMeta,
} from "./subscription.ts";

/**
 * A topic that the client may subscribe to.
 *
 * @typeParam N Its name.
 * @typeParam T What is published on it.
 * @typeParam History Whether it keeps history.
 */
export interface ClientTopic<N extends string = string, T = unknown, History extends boolean = boolean> {
  /** Its concrete name. */
  readonly name: N;
  /**
   * Subscribes to it; see {@linkcode Client.subscribe}.
   *
   * @param listener What to call with each message, parsed.
   * @param options A signal, how to hear of recoveries, and where in the history to begin.
   */
  subscribe(
    listener: (payload: T, meta: TopicMeta<History>) => void,
    options?: History extends true ? HistorySubscribeOptions : SubscribeOptions,
  ): History extends true ? HistorySubscription<N, T> : Subscription<N>;
}
