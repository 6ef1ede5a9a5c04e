/**
 * The queue of a node's published messages on their way to the engine. It sends all messages of one turn together. The
 * number of bytes under way has a limit. A message that cannot be sent now is lost, not kept for later.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";

/** A message on its way to the engine. */
export interface OutgoingMessage {
  /** The engine's name of the channel. */
  readonly name: string;
  /** The message in its envelope. */
  readonly data: AdapterData;
  /** The hub's name of the channel. */
  readonly channel: string;
}

/**
 * Why a message was not published: the error of the engine or its client, or `"full"` if the link has reached its own
 * limit.
 */
export type PublishFailure = Error | "full";

/**
 * Sends messages in this order, in as few writes as possible. It never sends a message again.
 *
 * @returns A list with the result of each message: a failure, or any other value if the engine has the message. Or
 * `undefined` if nothing failed. If the engine confirms messages, a promise: until it resolves, the messages count as
 * under way. Does not throw.
 */
export type PublishBatch = (messages: readonly OutgoingMessage[]) => PublishResults | Promise<PublishResults>;

/** The results of the messages of a batch. */
export type PublishResults = readonly unknown[] | void;

/** Options of {@linkcode Outbox}. */
export interface OutboxOptions {
  /** How many bytes may wait for an answer. */
  readonly maxPendingBytes: number;
  /** The reason of a failure. It returns one of a few texts. */
  reasonOf(failure: PublishFailure): string;
  /**
   * Called for messages that are lost, or may be.
   *
   * @param reason Why: one of a few texts.
   * @param count How many messages.
   * @param channel The hub's name of the channel of one of them.
   * @param cause The error of the engine or its client, if there is one.
   */
  onLost(reason: string, count: number, channel: string, cause?: Error): void;
}

/** Publishes messages in order. */
export class Outbox {
  readonly #options: OutboxOptions;
  #send: PublishBatch | undefined;
  #batch: OutgoingMessage[] = [];
  #pendingBytes = 0;
  /** Writes under way. */
  readonly #writes = new Set<Promise<void>>();
  /** Why there is no connection. */
  #away = "the connection is down";

  /** @param options The options. */
  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** There is a connection now. */
  attach(send: PublishBatch): void {
    this.#send = send;
  }

  /** There is no connection any more. Messages that wait for the end of the turn are sent now, or lost. */
  detach(): void {
    this.#flush();
    this.#send = undefined;
  }

  /** There will be no connection any more. */
  end(why: string): void {
    this.detach();
    this.#away = why;
  }

  /** Sends a message at the end of the turn. */
  publish(message: OutgoingMessage): void {
    const { maxPendingBytes, reasonOf, onLost } = this.#options;
    if (!this.#send) return onLost(this.#away, 1, message.channel);
    const { length } = message.data;
    // If nothing else is under way, a message of any size may go.
    if (this.#pendingBytes > 0 && this.#pendingBytes + length > maxPendingBytes) {
      return onLost(reasonOf("full"), 1, message.channel);
    }
    this.#pendingBytes += length;
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(message);
  }

  /**
   * Sends waiting messages. Resolves when the engine has answered for all messages under way, or the connection is
   * gone.
   */
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
    if (!results?.some(isFailure)) return;
    const lost = new Map<string, { count: number; channel: string; cause: Error | undefined }>();
    for (const [i, { channel }] of batch.entries()) {
      const result = results[i];
      if (!isFailure(result)) continue;
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

const isFailure = (result: unknown): result is PublishFailure => result === "full" || result instanceof Error;
