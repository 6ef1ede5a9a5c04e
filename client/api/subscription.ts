/**
 * Being subscribed to a topic.
 *
 * @module
 */

import type { HubError } from "../../contract/mod.ts";

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
  readonly signal?: AbortSignal;
  /**
   * Called whenever the subscription is live again after the link was lost, or a gap in the stream was noticed by
   * client or server.
   *
   * @param recovery Whether anything is missing.
   */
  readonly onRecovery?: (recovery: Recovery) => void;
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
   * …), and with `DISCONNECTED` after `unsubscribe()` or `close()`. Never an unhandled rejection: a refusal that nobody
   * looked for here goes to `onError`.
   */
  readonly ready: Promise<void>;
  /** Resolves when the subscription has ended: with the cause, or `undefined` after `unsubscribe()`. Never rejects. */
  readonly closed: Promise<HubError | undefined>;
  /** Ends it; the listener is not called again. Idempotent. */
  unsubscribe(): void;
}
