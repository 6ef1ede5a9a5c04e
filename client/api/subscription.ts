/**
 * Being subscribed to a topic.
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
 * What comes with a topic's message.
 *
 * @typeParam History Whether the topic keeps history, as far as its type tells.
 */
export interface TopicMeta<History extends boolean = boolean> {
  /** The topic's concrete name. */
  readonly topic: string;
  /** The message's number in the topic's history; `undefined` where the topic keeps none. */
  readonly offset: History extends true ? number : undefined;
  /** The epoch of that history: offsets of two epochs have nothing to do with each other. */
  readonly epoch: History extends true ? string : undefined;
  /** Whether the message was missed and has been sent again from the history. */
  readonly recovered: boolean;
}

/** How a subscription came back after the link was lost, or messages were. */
export interface Recovery {
  /** The topic's concrete name. */
  readonly topic: string;
  /**
   * Whether every message since the last one has been delivered. `false` means that some may be missing: fetch the
   * state anew. Always `false` for a topic without history.
   */
  readonly recovered: boolean;
}

/** Options of {@linkcode Client.subscribe}. */
export interface SubscribeOptions {
  /** Unsubscribes when aborted; a `ready` that is still waiting rejects with the signal's reason. */
  readonly signal?: WebAbortSignal;
  /**
   * Called whenever the subscription is live again after the link was lost, or a gap in the stream was noticed by
   * client or server; and, with `since` or `rewind`, when it is live for the first time.
   *
   * @param recovery Whether anything is missing.
   */
  readonly onRecovery?: (recovery: Recovery) => void;
}

/** Options of {@linkcode Client.subscribe} on a topic that keeps history: with what is new, or before that. */
export type HistorySubscribeOptions = SubscribeSinceOptions | SubscribeRewindOptions;

/** Options of {@linkcode Client.subscribe} for whoever has loaded a state, or begins with what is new. */
export interface SubscribeSinceOptions extends SubscribeOptions {
  /**
   * Begins after this position, which the server gave with the state that the application holds (`hub.position`): what was
   * published meanwhile comes first, in order, then what is live. When that cannot be had whole, `onRecovery` is called with
   * `recovered: false`: fetch the state anew. Not together with `rewind`.
   */
  readonly since?: Published;
  /** Not together with `since`. */
  readonly rewind?: undefined;
}

/** Options of {@linkcode Client.subscribe} for whoever wants what was published before. */
export interface SubscribeRewindOptions extends SubscribeOptions {
  /**
   * Begins with what was published before: `{ last: 50 }` messages, or those of the last `{ sinceMs: 60_000 }` milliseconds, as far
   * as the history keeps them; then what is live, without a gap and without a message twice. After the link was lost
   * the subscription goes on where it stood.
   */
  readonly rewind: Rewind;
  /** Not together with `rewind`. */
  readonly since?: undefined;
}

/** A page of a history, as a client reads it. */
export interface TopicHistoryPage<T = unknown> extends HistoryPage<T> {
  /**
   * Whether more was asked for than the server sends in one page: read on with `since`, the last record's offset. With
   * `reverse` it may say so where there is nothing older.
   */
  readonly more: boolean;
}

/** Where a subscription stands: `"pending"` while it waits for the server or for the link, `"ended"` for good. */
export type SubscriptionStatus = "pending" | "live" | "ended";

/** One listener's interest in a topic. Several of one topic share one subscription on the wire. */
export interface Subscription<N extends string = string> {
  /** The topic's concrete name. */
  readonly topic: N;
  /** Where it stands. */
  readonly status: SubscriptionStatus;
  /**
   * Resolves when the subscription is live for the first time: what is published from then on arrives. While there is
   * no link it waits for one. Rejects with the server's error when the subscription is refused, with `TIMEOUT` when
   * the server does not answer, with the cause when the client ends for good before (`UNAUTHENTICATED`, `FORBIDDEN`,
   * …), and with `DISCONNECTED` after `unsubscribe()` or `close()`. It never causes an unhandled rejection: if your
   * code does not use `ready`, a refusal goes to `onError`.
   */
  readonly ready: Promise<void>;
  /** Resolves when the subscription has ended: with the cause, or `undefined` after `unsubscribe()`. Never rejects. */
  readonly closed: Promise<HubError | undefined>;
  /** Ends it; the listener is not called again. Idempotent. */
  unsubscribe(): void;
}

/** One listener's interest in a topic that keeps history. */
export interface HistorySubscription<N extends string = string, T = unknown> extends Subscription<N> {
  /**
   * Reads the topic's history, while it is subscribed: whether the client may is asked once, when it subscribes. While there is
   * no link it waits for one, as a request does.
   *
   * @param query What to read: the oldest that are kept first, unless it says otherwise.
   * @returns As many messages as fit into one answer, parsed. Rejects with `TypeError` or `RangeError` for a wrong query,
   * `VALIDATION` when a message does not fit the contract, `RATE_LIMITED` when too much of histories was sent (the hub's
   * `limits.recoveryBurst`), `FORBIDDEN` or `DISCONNECTED` when it is not subscribed, `UNAVAILABLE` when the store cannot be
   * reached or the server is of a version without this, `TIMEOUT`.
   */
  history(query?: HistoryQuery): Promise<TopicHistoryPage<T>>;
}
