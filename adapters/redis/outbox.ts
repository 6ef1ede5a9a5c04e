/**
 * What a node publishes, on its way to Redis: everything of one turn in one write, and never more under way than a bound.
 * What cannot go now is not kept for later.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";
import { isReply } from "../kit/redis/errors.ts";
import type { RedisLink, RedisMessage } from "../kit/redis/link.ts";

/** A message, and what the hub calls its channel. */
interface Outgoing extends RedisMessage {
  readonly name: string;
}

/** What {@linkcode RedisOutbox} needs. */
export interface RedisOutboxOptions {
  /** How many bytes may be without an answer. */
  readonly maxPendingBytes: number;
  /**
   * Told of what is lost, or may be.
   *
   * @param reason Why: one of a few texts.
   * @param count How many messages.
   * @param name What the hub calls the channel of one of them.
   * @param cause What Redis or the client said, if it did.
   */
  onLost(reason: string, count: number, name: string, cause?: Error): void;
  /** Told when Redis answers, which it does in order. */
  onAnswer(): void;
}

/** Publishes in order. */
export class RedisOutbox {
  readonly #options: RedisOutboxOptions;
  #link: Pick<RedisLink, "publish"> | undefined;
  #batch: Outgoing[] = [];
  #pendingBytes = 0;
  /** What is under way. */
  readonly #writes = new Set<Promise<void>>();

  /** @param options What it needs. */
  constructor(options: RedisOutboxOptions) {
    this.#options = options;
  }

  /** There is a connection. */
  attach(link: Pick<RedisLink, "publish">): void {
    this.#link = link;
  }

  /** There is none any more. What waits for the end of the turn is lost. */
  detach(): void {
    this.#flush();
    this.#link = undefined;
  }

  /**
   * Sends a message at the end of the turn.
   *
   * @param channel The channel, in Redis.
   * @param data The message.
   * @param name What the hub calls the channel.
   */
  publish(channel: string, data: AdapterData, name: string): void {
    const { maxPendingBytes, onLost } = this.#options;
    if (!this.#link) return onLost("the connection is down", 1, name);
    // Nothing else under way: whatever its size, it must be able to leave.
    if (this.#pendingBytes > 0 && this.#pendingBytes + data.length > maxPendingBytes) {
      return onLost(
        "Redis does not keep up, and more than maxPendingBytes are without an answer",
        1,
        name,
      );
    }
    this.#pendingBytes += data.length;
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push({ channel, data, name });
  }

  /** Sends what waits; resolves when Redis has answered all that is under way, or the connection is gone. */
  async drain(): Promise<void> {
    this.#flush();
    await Promise.all(this.#writes);
  }

  #flush(): void {
    if (this.#batch.length === 0 || !this.#link) return;
    const batch = this.#batch;
    this.#batch = [];
    const write = this.#write(this.#link, batch).finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }

  async #write(link: Pick<RedisLink, "publish">, batch: readonly Outgoing[]): Promise<void> {
    const results = await link.publish(batch);
    for (const { data } of batch) this.#pendingBytes -= data.length;
    const failed = batch.flatMap(({ name }, i) => {
      const result = results[i];
      return result instanceof Error ? [{ name, result }] : [];
    });
    if (failed.length < batch.length) this.#options.onAnswer();
    if (failed.length === 0) return;
    const [{ name, result }] = failed;
    const reason = isReply(result) ? "Redis refuses" : "Redis has not confirmed it";
    this.#options.onLost(reason, failed.length, name, result);
  }
}
