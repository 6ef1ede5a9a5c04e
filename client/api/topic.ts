/**
 * A topic of a client, made from its pattern.
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
 * A topic to subscribe to, or to loop over: `for await (const tick of client.topic("ticker/ACME"))` gives the
 * messages that are published from then on. They are parsed and in order, and the loop goes on after reconnects. The
 * subscription ends when the loop ends. The loop ends when the client is closed. It throws the cause when the
 * subscription is refused, or when the client ends for good. A loop does not show whether messages were missed after
 * a lost link: to know that, subscribe with `onRecovery`. If the loop is too slow, up to 10,000 messages wait for it;
 * then it throws `UNAVAILABLE`.
 *
 * @typeParam N The topic's name.
 * @typeParam T The type of its messages.
 * @typeParam History Whether the topic keeps history.
 */
export interface ClientTopic<N extends string = string, T = unknown, History extends boolean = boolean>
  extends AsyncIterable<T> {
  /** The topic's concrete name. */
  readonly name: N;
  /**
   * Subscribes to the topic; see {@linkcode Client.subscribe}.
   *
   * @param listener Called with each parsed message.
   * @param options A signal that ends the subscription, a function that learns about recoveries, and where in the
   * history to begin.
   */
  subscribe(
    listener: (payload: T, meta: TopicMeta<History>) => void,
    options?: History extends true ? HistorySubscribeOptions : SubscribeOptions,
  ): History extends true ? HistorySubscription<N, T> : Subscription<N>;
}
