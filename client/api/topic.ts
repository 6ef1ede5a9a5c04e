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
 * A topic that the client may subscribe to, or loop over: `for await (const tick of client.topic("ticker/ACME"))` takes what is
 * published from then on, parsed, in order, across reconnects. The loop is subscribed until it is left. It ends when the
 * client is closed, and throws the cause when the subscription is refused or the client ends for good. Messages that are
 * missed after a loss are not told of here: subscribe with `onRecovery` where that matters. Up to 10,000 messages wait for a loop
 * that is slower than they come; then it throws `UNAVAILABLE`.
 *
 * @typeParam N Its name.
 * @typeParam T What is published on it.
 * @typeParam History Whether it keeps history.
 */
export interface ClientTopic<N extends string = string, T = unknown, History extends boolean = boolean>
  extends AsyncIterable<T> {
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
