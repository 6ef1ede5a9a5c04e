/**
 * One listener's subscription to a topic.
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

/** Called with a topic's message. */
export type TopicCallback = (payload: unknown, meta: TopicMeta) => unknown;

/** The stream that a listener belongs to. */
export interface StreamOwner {
  /** A listener unsubscribes. */
  leave(member: TopicListener): void;
  /** See `HistorySubscription.history`. */
  history(query: HistoryQuery): Promise<TopicHistoryPage>;
}

/** Options of {@linkcode TopicListener}. */
export interface TopicListenerOptions extends SubscribeOptions {
  /** Where its messages begin. */
  readonly start: Start | undefined;
}

/** The subscription that the user holds, and that the stream calls. */
export class TopicListener implements HistorySubscription {
  readonly topic: string;
  /** Called with the messages. */
  readonly listener: TopicCallback;
  /** Called when the stream is live again. */
  readonly onRecovery: ((recovery: Recovery) => unknown) | undefined;
  /** Where its messages begin. It moves on while earlier messages are read. */
  start: Start | undefined;
  /** The last offset that the listener has; `Infinity` while it gets no messages. */
  after = Infinity;
  /** The stream; absent if the client is closed. */
  owner: StreamOwner | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #ready = defer<void>();
  readonly #closed = defer<HubError | undefined>();
  readonly #onAbort = () => this.#end(abortReason(this.#signal!), undefined);
  /** Whether the user has read `ready`, and so sees a refusal. */
  watched = false;
  /** Whether the subscription was live before. */
  established = false;
  #status: SubscriptionStatus = "pending";

  /**
   * @param topic The topic's concrete name.
   * @param listener Called with the messages.
   * @param options The options, as the user gave them.
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

  /** The stream waits for the link or for the server. */
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
   * @param cause The reason.
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
