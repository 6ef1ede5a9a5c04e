/**
 * What a node publishes, on its way to the engine: everything of one turn at once, and never more under way than a bound.
 * What cannot go now is not kept for later.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";

/** A message on its way. */
export interface OutgoingMessage {
  /** The engine's name of the channel. */
  readonly name: string;
  /** What to send, in its envelope. */
  readonly data: AdapterData;
  /** What the hub calls the channel. */
  readonly channel: string;
}

/** Why a message was not published: what the engine or its client said, or `"full"` where the link has a bound of its own. */
export type PublishFailure = Error | "full";

/**
 * Sends messages in this order, in as few writes as possible, and never again, whatever happens.
 *
 * @returns What became of each: a failure, or anything else for one that the engine has; of no matter for none. Does not
 * throw. A promise when the engine confirms; until it resolves they count as under way.
 */
export type PublishBatch = (messages: readonly OutgoingMessage[]) => PublishResults | Promise<PublishResults>;

/** What became of the messages of a batch. */
export type PublishResults = readonly unknown[] | void;

/** What {@linkcode Outbox} needs. */
export interface OutboxOptions {
  /** How many bytes may be without an answer. */
  readonly maxPendingBytes: number;
  /** The reason of a failure: one of a few texts. */
  reasonOf(failure: PublishFailure): string;
  /**
   * Hears what is lost, or may be.
   *
   * @param reason Why: one of a few texts.
   * @param count How many messages.
   * @param channel What the hub calls the channel of one of them.
   * @param cause What the engine or its client said, if it did.
   */
  onLost(reason: string, count: number, channel: string, cause?: Error): void;
}

/** Publishes in order. */
export class Outbox {
  readonly #options: OutboxOptions;
  #send: PublishBatch | undefined;
  #batch: OutgoingMessage[] = [];
  #pendingBytes = 0;
  /** What is under way. */
  readonly #writes = new Set<Promise<void>>();
  /** Why there is no connection. */
  #away = "the connection is down";

  /** @param options What it needs. */
  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** There is a connection. */
  attach(send: PublishBatch): void {
    this.#send = send;
  }

  /** There is none any more. What waits for the end of the turn leaves, or is lost. */
  detach(): void {
    this.#flush();
    this.#send = undefined;
  }

  /** There will never be one again. */
  end(why: string): void {
    this.detach();
    this.#away = why;
  }

  /** Sends a message at the end of the turn. */
  publish(message: OutgoingMessage): void {
    const { maxPendingBytes, reasonOf, onLost } = this.#options;
    if (!this.#send) return onLost(this.#away, 1, message.channel);
    const { length } = message.data;
    // Nothing else under way: whatever its size, it must be able to leave.
    if (this.#pendingBytes > 0 && this.#pendingBytes + length > maxPendingBytes) {
      return onLost(reasonOf("full"), 1, message.channel);
    }
    this.#pendingBytes += length;
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(message);
  }

  /** Sends what waits; resolves when the engine has answered all that is under way, or the connection is gone. */
  async drain(): Promise<void> {
    this.#flush();
    await Promise.all(this.#writes);
  }

  #flush(): void {
    if (this.#batch.length === 0 || !this.#send) return;
    const batch = this.#batch;
    this.#batch = [];
    const results = this.#send(batch);
    if (!(results instanceof Promise)) return this.#settle(batch, results);
    const write = results.then((results) => this.#settle(batch, results)).finally(() =>
      this.#writes.delete(write)
    );
    this.#writes.add(write);
  }

  #settle(batch: readonly OutgoingMessage[], results: PublishResults): void {
    for (const { data } of batch) this.#pendingBytes -= data.length;
    if (!results) return;
    const lost = new Map<string, { count: number; channel: string; cause: Error | undefined }>();
    for (const [i, { channel }] of batch.entries()) {
      const result = results[i];
      if (result !== "full" && !(result instanceof Error)) continue;
      const reason = this.#options.reasonOf(result);
      const known = lost.get(reason);
      if (known) known.count++;
      else lost.set(reason, { count: 1, channel, cause: result === "full" ? undefined : result });
    }
    for (const [reason, { count, channel, cause }] of lost) {
      this.#options.onLost(reason, count, channel, cause);
    }
  }
}
