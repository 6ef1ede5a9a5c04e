/**
 * One listener's interest in a topic.
 *
 * @module
 */

import { abortReason, defer, HubError, type Start } from "../../contract/mod.ts";
import { readHistoryQuery } from "../../contract/history/history_query.ts";
import type {
  HistoryQuery,
  HistorySubscription,
  Recovery,
  SubscribeOptions,
  SubscriptionStatus,
  TopicHistoryPage,
  TopicMeta,
} from "../api/mod.ts";

/** Takes a topic's message. */
export type TopicCallback = (payload: unknown, meta: TopicMeta) => unknown;

/** What a listener listens to. */
export interface StreamOwner {
  /** A listener wants to leave by itself. */
  leave(member: TopicListener): void;
  /** See `HistorySubscription.history`. */
  history(query: HistoryQuery): Promise<TopicHistoryPage>;
}

/** What a listener is made with. */
export interface TopicListenerOptions extends SubscribeOptions {
  /** From where on it wants messages. */
  readonly start: Start | undefined;
}

/** The handle that a user holds, and the end of it that the stream holds. */
export class TopicListener implements HistorySubscription {
  readonly topic: string;
  /** Takes the messages. */
  readonly listener: TopicCallback;
  /** Wants to know how the stream came back. */
  readonly onRecovery: ((recovery: Recovery) => unknown) | undefined;
  /** From where on it wants messages; moves on while it is sent them. */
  start: Start | undefined;
  /** It has had messages up to this offset; `Infinity` while it is not to hear any. */
  after = Infinity;
  /** What it listens to; absent when there will be nothing. */
  owner: StreamOwner | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #ready = defer<void>();
  readonly #closed = defer<HubError | undefined>();
  readonly #onAbort = () => this.#end(abortReason(this.#signal!), undefined);
  /** Whether somebody has looked at `ready`, and so hears of a refusal. */
  watched = false;
  /** Whether it has been live. */
  established = false;
  #status: SubscriptionStatus = "pending";

  /**
   * @param topic The topic's concrete name.
   * @param listener Takes the messages.
   * @param options As the user gave them.
   */
  constructor(
    topic: string,
    listener: TopicCallback,
    { signal, onRecovery, start }: TopicListenerOptions,
  ) {
    this.topic = topic;
    this.listener = listener;
    this.onRecovery = onRecovery;
    this.start = start;
    this.#signal = signal;
    this.#ready.promise.catch(() => {});
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get status(): SubscriptionStatus {
    return this.#status;
  }

  get ready(): Promise<void> {
    this.watched = true;
    return this.#ready.promise;
  }

  get closed(): Promise<HubError | undefined> {
    return this.#closed.promise;
  }

  /** The stream is live. */
  live(): void {
    if (this.#status === "ended") return;
    this.#status = "live";
    this.established = true;
    this.#ready.resolve();
  }

  /** The stream waits for the link, or for the server. */
  pend(): void {
    if (this.#status === "live") this.#status = "pending";
  }

  async history(given?: HistoryQuery): Promise<TopicHistoryPage> {
    const query = readHistoryQuery(given);
    if (this.#status !== "ended") return await this.owner!.history(query);
    throw new HubError("DISCONNECTED", `Cannot read the history of "${this.topic}": unsubscribed`);
  }

  unsubscribe(): void {
    this.#end(
      new HubError("DISCONNECTED", `Unsubscribed from "${this.topic}" before it was live`),
      undefined,
    );
  }

  /**
   * The stream has ended.
   *
   * @param cause Why.
   */
  fail(cause: HubError): void {
    this.#end(cause, cause);
  }

  #end(reason: unknown, cause: HubError | undefined): void {
    if (this.#status === "ended") return;
    this.#status = "ended";
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#ready.reject(reason);
    this.#closed.resolve(cause);
    this.owner?.leave(this);
  }
}
