/**
 * The adapter for Redis: nodes reach each other by its pub/sub, over two connections each. For one server, or a master
 * and its replicas behind Redis Sentinel.
 *
 * @module
 */

import type { Adapter, AdapterContext, AdapterData, AdapterStage } from "../adapter.ts";
import { type Clock, systemClock } from "../../contract/clock.ts";
import { HubError } from "../../contract/mod.ts";
import { encodeEnvelope } from "../kit/envelope.ts";
import { RedisChannels } from "./channels.ts";
import { connectFailure, explained } from "../kit/redis/errors.ts";
import { RedisInbox } from "./inbox.ts";
import { RedisKeeper } from "../kit/redis/keeper.ts";
import type { RedisDriver } from "../kit/redis/link.ts";
import { driverFor, type RedisConnectionOptions } from "../kit/redis/options.ts";
import { RedisOutbox } from "./outbox.ts";
import { RedisProbe, type RedisRole } from "./probe.ts";
import { inMessages, Reports } from "../kit/reports.ts";
import { bytesBeyond } from "../kit/size.ts";
import { RedisSubscriptions } from "./subscriptions.ts";

export type {
  RedisAddress,
  RedisClientLike,
  RedisConnectionOptions,
  RedisTlsOptions,
} from "../kit/redis/options.ts";

/** Options of {@linkcode createRedisAdapter}. */
export interface RedisAdapterOptions extends RedisConnectionOptions {
  /**
   * Keeps applications on one Redis apart: nodes with the same prefix form a cluster.
   *
   * @default {"trunkline"}
   */
  readonly prefix?: string;
  /**
   * How long a connection may take to be made, in milliseconds, before another attempt.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often to check that messages still come through, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long a connection may be silent, when an answer is due, before it counts as dead and is replaced, in
   * milliseconds. A dead connection is noticed within this and the interval.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes. Redis disconnects a subscriber that has more than 32 MiB to read, by its default
   * `client-output-buffer-limit`.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes of published messages may be on their way, not yet confirmed by Redis. Beyond it a publish is dropped
   * and reported with stage `"publish"`.
   *
   * @default {33_554_432}
   */
  readonly maxPendingBytes?: number;
  /**
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Creates the adapter for Redis 5 and later. It connects when it is opened, reconnects by itself, restores every
 * subscription before it says `"up"`, and repeats nothing: what is published while Redis is away is dropped and
 * reported.
 *
 * @example The one line that changes
 * ```ts ignore
 * // Needs a server.
 * const hub = createHub(chat, { authenticate, adapter: createRedisAdapter("redis://localhost:6379") });
 * ```
 *
 * @example Options, and an adapter that was never opened
 * ```ts
 * import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
 * import { assertEquals } from "@std/assert";
 *
 * await using adapter = createRedisAdapter({
 *   url: "rediss://redis.example.com",
 *   username: "chat",
 *   password: "correct horse",
 *   prefix: "chat",
 * });
 * assertEquals(adapter.name, "redis");
 * ```
 *
 * @param options A URL, or options.
 * @throws {TypeError} If the URL is none, the prefix is empty, or options contradict each other.
 * @throws {RangeError} If a number is out of range.
 */
export function createRedisAdapter(options: string | RedisAdapterOptions): Adapter {
  return new RedisAdapter(typeof options === "string" ? { url: options } : options);
}

/** How long `close` waits for Redis to confirm what was published before it. */
const DRAIN_MS = 2_000;

/** How many different failures of an outage are reported. */
const MAX_FAILURES = 10;

class RedisAdapter implements Adapter {
  readonly name = "redis";
  readonly maxMessageBytes: number;
  readonly #driver: RedisDriver;
  readonly #channels: RedisChannels;
  readonly #clock: Clock;
  readonly #connectTimeoutMs: number;
  readonly #probeIntervalMs: number;
  readonly #probeTimeoutMs: number;
  readonly #outbox: RedisOutbox;
  readonly #subscriptions = new RedisSubscriptions();
  readonly #reports: Reports;
  readonly #opening = Promise.withResolvers<void>();
  #context: AdapterContext | undefined;
  /** Outlives the context until what was published is on its way, or lost. */
  #onError: AdapterContext["onError"] | undefined;
  #publisher: RedisKeeper | undefined;
  #subscriber: RedisKeeper | undefined;
  #probe: RedisProbe | undefined;
  #cancelProbe = () => {};
  #status: "up" | "down" = "down";
  #everUp = false;
  /** What was said of failed attempts since it was up last. */
  readonly #failures = new Set<string>();
  #closed: Promise<void> | undefined;

  constructor(options: RedisAdapterOptions) {
    this.#channels = new RedisChannels(options.prefix ?? "trunkline");
    this.#clock = options.clock ?? systemClock;
    this.#connectTimeoutMs = positive(options, "connectTimeoutMs", 5_000);
    this.#probeIntervalMs = positive(options, "probeIntervalMs", 5_000);
    this.#probeTimeoutMs = positive(options, "probeTimeoutMs", 5_000);
    this.maxMessageBytes = positive(options, "maxMessageBytes", 8 * 1024 * 1024);
    this.#driver = driverFor(options, this.#connectTimeoutMs);
    this.#reports = new Reports(this.#clock);
    this.#outbox = new RedisOutbox({
      maxPendingBytes: positive(options, "maxPendingBytes", 32 * 1024 * 1024),
      onLost: (reason, count, channel, cause) => this.#lost(reason, count, channel, cause),
      onAnswer: () => this.#probe?.sign("publisher"),
    });
    this.#opening.promise.catch(() => {}); // an adapter may be closed that nobody opened
  }

  get #where(): string {
    return `Redis at ${this.#driver.address}`;
  }

  open(context: AdapterContext): Promise<void> {
    if (this.#closed) return Promise.reject(new Error("Cannot open a closed Redis adapter"));
    if (this.#context) {
      return Promise.reject(new TypeError("Cannot open a Redis adapter twice: create one for each hub"));
    }
    this.#context = context;
    this.#onError = (error, info) => context.onError(error, info);
    const { nodeId } = context;
    const probeChannel = this.#channels.probeOf(nodeId);
    const probe = new RedisProbe(this.#clock, this.#probeTimeoutMs, probeChannel);
    this.#probe = probe;
    const inbox = new RedisInbox({
      nodeId,
      probeChannel,
      nameOf: (channel) => this.#subscriptions.nameOf(channel),
      deliver: (channel, data, from) => this.#context?.deliver(channel, data, from),
      onProbe: (text) => probe.hear(text),
      onForeign: (channel) => this.#foreign(channel),
    });
    const common = {
      driver: this.#driver,
      clock: this.#clock,
      timeoutMs: this.#connectTimeoutMs,
      onFailure: (cause: unknown) => this.#failed(cause),
    };
    this.#publisher = new RedisKeeper({
      ...common,
      prepare: async (link, within) => void await within(link.ping(), "No answer"),
      onUp: (link) => {
        this.#outbox.attach(link);
        void this.#check();
      },
      onDown: (cause) => {
        this.#outbox.detach();
        this.#broken("publisher", cause);
      },
    });
    this.#subscriber = new RedisKeeper({
      ...common,
      onMessage: (channel, data) => {
        probe.sign("subscriber");
        inbox.receive(channel, data);
      },
      prepare: async (link, within) => {
        await within(link.subscribe([probeChannel]), "No answer to a subscribe");
        try {
          await this.#subscriptions.attach(link, within);
        } catch (error) {
          this.#subscriptions.detach();
          throw error;
        }
      },
      onUp: () => void this.#check(),
      onDown: (cause) => {
        this.#subscriptions.detach();
        this.#broken("subscriber", cause);
      },
    });
    this.#publisher.start();
    this.#subscriber.start();
    return this.#opening.promise;
  }

  async subscribe(channel: string): Promise<void> {
    if (!this.#context) throw new Error("Cannot subscribe: the Redis adapter is not open");
    try {
      await this.#subscriptions.subscribe(this.#channels.nameOf(channel), channel);
    } catch (cause) {
      throw this.#error(`Cannot subscribe to "${channel}" at ${this.#where}`, cause);
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    try {
      await this.#subscriptions.unsubscribe(this.#channels.nameOf(channel));
    } catch (cause) {
      throw this.#error(`Cannot unsubscribe from "${channel}" at ${this.#where}`, cause);
    }
  }

  publish(channel: string, data: AdapterData): void {
    const { nodeId } = this.#context ?? {};
    if (nodeId === undefined) return;
    const bytes = bytesBeyond(data, this.maxMessageBytes);
    if (bytes !== undefined) {
      const error = new HubError(
        "TOO_LARGE",
        `Cannot publish ${bytes} bytes on "${channel}": ${this.#where} takes at most ${this.maxMessageBytes}`,
        { data: { bytes, maxBytes: this.maxMessageBytes } },
      );
      return queueMicrotask(() => this.#report(error, "publish", channel));
    }
    // Packing copies bytes, which the publisher may change after this call.
    this.#outbox.publish(this.#channels.nameOf(channel), encodeEnvelope(nodeId, data), channel);
  }

  /** By `PUBSUB NUMSUB`, for which an ACL need not allow the command. */
  async countListeners(channel: string): Promise<number | undefined> {
    try {
      const count = await this.#publisher?.link?.countSubscribers(this.#channels.nameOf(channel));
      return Number.isInteger(count) ? count : undefined;
    } catch {
      return undefined;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#cancelProbe();
    this.#probe?.stop();
    const closed = new Error("the Redis adapter was closed meanwhile");
    this.#opening.reject(new Error("Cannot open the Redis adapter: it was closed meanwhile"));
    this.#context = undefined;
    this.#subscriptions.close(closed);
    let cancel = () => {};
    const late = new Promise<void>((resolve) => cancel = this.#clock.after(DRAIN_MS, resolve));
    await Promise.all([
      this.#subscriber?.close(),
      Promise.race([this.#outbox.drain(), late]).then(() => this.#publisher?.close()),
    ]);
    cancel();
    await this.#outbox.drain(); // what had no answer has failed by now
    this.#reports.close();
    this.#onError = undefined;
  }

  /** Both connections are there, and have to show that they lead to each other. */
  async #check(): Promise<void> {
    const [publisher, subscriber] = [this.#publisher?.link, this.#subscriber?.link];
    if (!publisher || !subscriber || !this.#probe) return;
    this.#cancelProbe();
    const verdict = await this.#probe.run(publisher);
    if (publisher !== this.#publisher?.link || subscriber !== this.#subscriber?.link || !this.#context) {
      return;
    }
    if (verdict === "stopped") return;
    if (verdict !== "alive") {
      if (verdict.dead === "publisher") this.#publisher.drop(publisher, verdict.cause);
      else this.#subscriber.drop(subscriber, verdict.cause);
      return;
    }
    this.#cancelProbe = this.#clock.after(this.#probeIntervalMs, () => void this.#check());
    if (this.#status === "up") return;
    this.#status = "up";
    this.#everUp = true;
    this.#failures.clear();
    this.#context.onStatus("up");
    this.#opening.resolve();
  }

  #broken(which: RedisRole, cause: unknown): void {
    this.#cancelProbe();
    this.#probe?.stop();
    if (!this.#context) return;
    if (this.#status === "up") {
      this.#status = "down";
      this.#context.onStatus("down");
    }
    const error = this.#error(`The ${which}'s connection to ${this.#where} is lost`, cause);
    this.#report(error, which === "publisher" ? "publish" : "delivery");
  }

  #failed(cause: unknown): boolean {
    const { error, refused } = connectFailure(cause, this.#where, this.#driver.secrets);
    if (!this.#context) return refused;
    if (refused && !this.#everUp) {
      this.#opening.reject(error);
      void this.close();
      return refused;
    }
    // Said once, not with each attempt and each connection.
    if (!this.#failures.has(error.message) && this.#failures.size < MAX_FAILURES) {
      this.#failures.add(error.message);
      this.#report(error, "open");
    }
    return refused;
  }

  #foreign(channel: string): void {
    this.#reports.add("foreign", 1, (count) => {
      const what = `Ignored ${inMessages(count)} at ${this.#where} that no hub has sent`;
      this.#report(new Error(what), "delivery", channel);
    });
  }

  #lost(reason: string, count: number, channel: string, cause?: Error): void {
    this.#reports.add(reason, count, (count) => {
      const what = `Cannot publish ${inMessages(count)} to ${this.#where}: ${reason}`;
      this.#report(this.#error(what, cause), "publish", channel);
    });
  }

  #error(what: string, cause: unknown): Error {
    return explained(what, cause, this.#driver.secrets);
  }

  #report(error: Error, stage: AdapterStage, channel?: string): void {
    this.#onError?.(error, channel === undefined ? { stage } : { stage, channel });
  }
}

function positive<K extends keyof RedisAdapterOptions>(
  options: RedisAdapterOptions,
  name: K,
  initial: number,
): number {
  const value = options[name] ?? initial;
  if (typeof value === "number" && value > 0) return value;
  throw new RangeError(`Cannot create a Redis adapter: ${name} must be above 0`);
}
