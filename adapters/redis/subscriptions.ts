/**
 * Which channels a node wants, and bringing whatever connection there is to that.
 *
 * @module
 */

import { isReply } from "../kit/redis/errors.ts";
import type { RedisLink } from "../kit/redis/link.ts";

/** How many channels one command names: a long command keeps Redis, which does one at a time, from everybody else. */
const BATCH_SIZE = 500;

/** Something to tell Redis about one channel. */
interface Step {
  readonly kind: "subscribe" | "unsubscribe";
  readonly channel: string;
  resolve(): void;
  reject(error: Error): void;
}

/** What {@linkcode RedisSubscriptions} works on. */
type Connection = Pick<RedisLink, "subscribe" | "unsubscribe">;

/** The channels, by their names in Redis. */
export class RedisSubscriptions {
  /** What is wanted, and what each channel is called by the hub. */
  readonly #wanted = new Map<string, string>();
  /** Those who wait for a channel to be live, on this connection or on a later one. */
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  #connection: Connection | undefined;
  #steps: Step[] = [];

  /** What the hub calls a channel that is wanted. */
  nameOf(channel: string): string | undefined {
    return this.#wanted.get(channel);
  }

  /**
   * Subscribes to everything that is wanted on a new connection.
   *
   * @param connection The connection, which has no subscription yet.
   * @param within Limits how long each answer may take.
   * @returns Resolves when all is live; rejects when Redis refuses, is silent, or the connection is taken away.
   */
  async attach(
    connection: Connection,
    within: <T>(step: Promise<T>, what: string) => Promise<T>,
  ): Promise<void> {
    this.#connection = connection;
    const channels = [...this.#wanted.keys()];
    const batches: Promise<unknown>[] = [];
    for (let i = 0; i < channels.length; i += BATCH_SIZE) {
      const batch = channels.slice(i, i + BATCH_SIZE).map((channel) => this.#step("subscribe", channel));
      batches.push(Promise.all(batch));
      batches.at(-1)!.catch(() => {}); // its turn to be waited for may never come
    }
    // They are all on their way; as long as answers come there is hope.
    for (const batch of batches) await within(batch, "No answer to a subscribe");
  }

  /** The connection is gone. What is wanted stays so; who waits goes on waiting. */
  detach(): void {
    const steps = this.#steps;
    this.#connection = undefined;
    this.#steps = [];
    for (const { kind, resolve, reject } of steps) {
      if (kind === "unsubscribe") resolve();
      else reject(new Error("The connection is gone"));
    }
  }

  /**
   * Wants a channel.
   *
   * @param channel Its name in Redis.
   * @param name What the hub calls it.
   * @returns Resolves when it is live, be it on a later connection; rejects when Redis refuses it.
   */
  subscribe(channel: string, name: string): Promise<void> {
    const known = this.#waiting.get(channel);
    if (known) return known.promise;
    const waiting = Promise.withResolvers<void>();
    this.#wanted.set(channel, name);
    this.#waiting.set(channel, waiting);
    // A step that fails because the connection is gone is taken again on the next one.
    if (this.#connection) this.#step("subscribe", channel).catch(() => {});
    return waiting.promise;
  }

  /**
   * Wants a channel no more.
   *
   * @param channel Its name in Redis.
   * @returns Resolves when nothing of it comes any more; rejects when Redis refuses.
   */
  async unsubscribe(channel: string): Promise<void> {
    this.#wanted.delete(channel);
    this.#settle(channel, new Error("it was unsubscribed meanwhile"));
    if (this.#connection) await this.#step("unsubscribe", channel);
  }

  /** Wants nothing any more. */
  close(error: Error): void {
    this.detach();
    this.#wanted.clear();
    for (const channel of [...this.#waiting.keys()]) this.#settle(channel, error);
  }

  #settle(channel: string, error?: Error): void {
    const waiting = this.#waiting.get(channel);
    this.#waiting.delete(channel);
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }

  #step(kind: Step["kind"], channel: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#steps.length === 0) queueMicrotask(() => this.#flush());
    this.#steps.push({ kind, channel, resolve, reject });
    return promise;
  }

  /** One command for what is alike and follows each other, so that for every channel the last word stays the last. */
  #flush(): void {
    const [steps, connection] = [this.#steps, this.#connection];
    this.#steps = [];
    if (!connection) return;
    for (let start = 0, end = 0; start < steps.length; start = end) {
      const { kind } = steps[start];
      while (end < steps.length && steps[end].kind === kind && end - start < BATCH_SIZE) end++;
      void this.#send(connection, kind, steps.slice(start, end));
    }
  }

  async #send(connection: Connection, kind: Step["kind"], steps: readonly Step[]): Promise<void> {
    try {
      await connection[kind](steps.map(({ channel }) => channel));
    } catch (error) {
      if (connection !== this.#connection || !isReply(error)) {
        // What is gone delivers nothing; the next connection takes up what is wanted.
        for (const step of steps) kind === "unsubscribe" ? step.resolve() : step.reject(error as Error);
        return;
      }
      if (steps.length > 1) {
        // Redis refuses all for the sake of one, as an ACL does: the others are to have theirs.
        for (const step of steps) void this.#send(connection, kind, [step]);
        return;
      }
      const [{ channel, resolve, reject }] = steps;
      if (kind === "unsubscribe" || !this.#waiting.has(channel)) return reject(error as Error);
      // Whoever waits for it hears of it, and nobody else needs to.
      this.#wanted.delete(channel);
      this.#settle(channel, error as Error);
      return resolve();
    }
    for (const { channel, resolve } of steps) {
      if (kind === "subscribe" && connection === this.#connection) this.#settle(channel);
      resolve();
    }
  }
}
