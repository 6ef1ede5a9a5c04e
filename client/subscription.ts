/**
 * One listener's interest in a topic.
 *
 * @module
 */

import { abortReason, defer, HubError } from "../contract/mod.ts";
import type { Recovery, SubscribeOptions, Subscription, SubscriptionStatus, TopicMeta } from "./api/mod.ts";

/** Takes a topic's message. */
export type TopicCallback = (payload: unknown, meta: TopicMeta) => unknown;

/** The handle that a user holds, and the end of it that the stream holds. */
export class TopicListener implements Subscription {
  readonly topic: string;
  /** Takes the messages. */
  readonly listener: TopicCallback;
  /** Wants to know how the stream came back. */
  readonly onRecovery: ((recovery: Recovery) => unknown) | undefined;
  readonly #leave: (member: TopicListener) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #ready = defer<void>();
  readonly #closed = defer<HubError | undefined>();
  readonly #onAbort = () => this.#end(abortReason(this.#signal!), undefined);
  #status: SubscriptionStatus = "pending";
  #watched = false;
  #established = false;

  /**
   * @param topic The topic's concrete name.
   * @param listener Takes the messages.
   * @param options As the user gave them.
   * @param leave Called once, when the member wants to leave by itself.
   */
  constructor(
    topic: string,
    listener: TopicCallback,
    { signal, onRecovery }: SubscribeOptions,
    leave: (member: TopicListener) => void,
  ) {
    this.topic = topic;
    this.listener = listener;
    this.onRecovery = onRecovery;
    this.#leave = leave;
    this.#signal = signal;
    this.#ready.promise.catch(() => {});
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get status(): SubscriptionStatus {
    return this.#status;
  }

  get ready(): Promise<void> {
    this.#watched = true;
    return this.#ready.promise;
  }

  get closed(): Promise<HubError | undefined> {
    return this.#closed.promise;
  }

  /** Whether somebody has looked at `ready`, and so hears of a refusal. */
  get watched(): boolean {
    return this.#watched;
  }

  /** Whether it has been live. */
  get established(): boolean {
    return this.#established;
  }

  /** The stream is live. */
  live(): void {
    if (this.#status === "ended") return;
    this.#status = "live";
    this.#established = true;
    this.#ready.resolve();
  }

  /** The stream waits for the link, or for the server. */
  pend(): void {
    if (this.#status === "live") this.#status = "pending";
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
    this.#leave(this);
  }
}
