/**
 * The types of a subscription to a topic.
 *
 * @module
 */

import type {
  HistoryPage,
  HistoryQuery,
  HubError,
  Published,
  Rewind,
  WebAbortSignal,
} from "../../contract/mod.ts";

export type { HistoryPage, HistoryQuery, HistoryRecord, Published, Rewind } from "../../contract/mod.ts";

/**
 * Details of a message of a topic.
 *
 * @typeParam History Whether the topic keeps history, as far as the type shows.
 */
export interface TopicMeta<History extends boolean = boolean> {
  /** The topic's concrete name. */
  readonly topic: string;
  /** The message's number in the topic's history. `undefined` if the topic keeps no history. */
  readonly offset: History extends true ? number : undefined;
  /** The epoch of that history. Do not compare offsets of two epochs. */
  readonly epoch: History extends true ? string : undefined;
  /** Whether the message was missed, and comes from the history. */
  readonly recovered: boolean;
}

/** Whether messages are missing after a subscription came back from a lost link or a gap. */
export interface Recovery {
  /** The topic's concrete name. */
  readonly topic: string;
  /**
   * Whether every message since the last one was delivered. `false`: some may be missing, so fetch the state again.
   * Always `false` for a topic without history.
   */
  readonly recovered: boolean;
}

/** Options of {@linkcode Client.subscribe}. */
export interface SubscribeOptions {
  /** Unsubscribes when it aborts. If `ready` has not settled yet, it rejects with the signal's reason. */
  readonly signal?: WebAbortSignal;
  /**
   * Called whenever the subscription is live again after a lost link, or after client or server noticed a gap in the
   * stream. With `since` or `rewind` it is also called when the subscription is live for the first time.
   *
   * @param recovery Whether messages are missing.
   */
  readonly onRecovery?: (recovery: Recovery) => void;
}

/**
 * Options of {@linkcode Client.subscribe} for a topic that keeps history. Without `since` and `rewind`, the
 * subscription begins with new messages.
 */
export type HistorySubscribeOptions = SubscribeSinceOptions | SubscribeRewindOptions;

/** Options of {@linkcode Client.subscribe} if you have loaded a state, or want new messages only. */
export interface SubscribeSinceOptions extends SubscribeOptions {
  /**
   * Begins after this position. The server gave the position together with the state that you loaded
   * (`hub.position`). First come the messages that were published since then, in order, and then the new ones. If
   * some of them are no longer kept, `onRecovery` is called with `recovered: false`: fetch the state again. Not
   * together with `rewind`.
   */
  readonly since?: Published;
  /** Not together with `since`. */
  readonly rewind?: undefined;
}

/** Options of {@linkcode Client.subscribe} if you want earlier messages first. */
export interface SubscribeRewindOptions extends SubscribeOptions {
  /**
   * Begins with earlier messages, as far as the history keeps them. `{ last: 50 }`: the last 50. `{ sinceMs: 60_000 }`:
   * the messages of the last 60,000 milliseconds. New messages follow, without a gap and without repeats. After a lost
   * link the subscription goes on after its last message.
   */
  readonly rewind: Rewind;
  /** Not together with `rewind`. */
  readonly since?: undefined;
}

/** A page of a history that a client reads. */
export interface TopicHistoryPage<T = unknown> extends HistoryPage<T> {
  /**
   * Whether there are more messages than the server sends in one page. To read on, give the last record's offset as
   * `since`. With `reverse` it may be `true` although no older message exists.
   */
  readonly more: boolean;
}

/** The status of a subscription. `"pending"`: it waits for the server or for the link. `"ended"`: it ended for good. */
export type SubscriptionStatus = "pending" | "live" | "ended";

/** A subscription of one listener to a topic. All listeners of one topic share one subscription on the wire. */
export interface Subscription<N extends string = string> {
  /** The topic's concrete name. */
  readonly topic: N;
  /** The status of the subscription. */
  readonly status: SubscriptionStatus;
  /**
   * Resolves when the subscription is live for the first time: messages published after that arrive. While there is
   * no link, it waits for one. It never causes an unhandled rejection: if your code does not use `ready`, a refusal
   * goes to `onError`. It rejects with:
   * - the server's error, when the subscription is refused
   * - `TIMEOUT`, when the server does not answer
   * - `DISCONNECTED`, after `unsubscribe()` or `close()`
   * - the cause, such as `UNAUTHENTICATED`, when the client ends for good before
   */
  readonly ready: Promise<void>;
  /**
   * Resolves when the subscription has ended: with the cause, or with `undefined` after `unsubscribe()`. Never
   * rejects.
   */
  readonly closed: Promise<HubError | undefined>;
  /** Ends the subscription. The listener is not called again. Idempotent. */
  unsubscribe(): void;
}

/** A subscription of one listener to a topic that keeps history. */
export interface HistorySubscription<N extends string = string, T = unknown> extends Subscription<N> {
  /**
   * Reads the topic's history. The topic must be subscribed: the server checks the right to read only when the client
   * subscribes. While there is no link, the call waits for one, as a request does.
   *
   * @param query Which messages to read. Default: from the oldest message that is kept.
   * @returns As many parsed messages as fit into one answer. Rejects with `TypeError` or `RangeError` for a wrong
   * query, or with one of these:
   * - `VALIDATION`: a message does not fit the contract.
   * - `RATE_LIMITED`: the client has read too much from histories (`limits.recoveryBurst` of the hub).
   * - `FORBIDDEN`, `DISCONNECTED`: the topic is not subscribed.
   * - `UNAVAILABLE`: the store cannot be reached, or the server is too old.
   * - `TIMEOUT`: no answer came in time.
   */
  history(query?: HistoryQuery): Promise<TopicHistoryPage<T>>;
}
