/**
 * The adapter for Redis Cluster: sharded pub/sub, with channels spread over a fixed number of partitions, so that a
 * channel's traffic lives on one shard and a node has few connections.
 *
 * @module
 */

import type { Adapter, AdapterContext, AdapterData, AdapterStage } from "../adapter.ts";
import { type Clock, systemClock } from "../../contract/clock.ts";
import { HubError } from "../../contract/mod.ts";
import { nodeFailure } from "./errors.ts";
import type { PubSub } from "./link.ts";
import { Mail } from "./mail.ts";
import { ClusterMap } from "./map.ts";
import { type ClusterNodes, readNodes, type RedisClusterClient, type RedisClusterNatMap } from "./nodes.ts";
import { positive, type RedisClusterAdapterOptions } from "./options.ts";
import { Names, partitionOf, type Place, placePartitions } from "./partitions.ts";
import { explained } from "../kit/redis/errors.ts";
import type { RedisAddress, RedisTlsOptions } from "../kit/redis/options.ts";
import { inMessages, Reports } from "../kit/reports.ts";
import { bytesBeyond } from "../kit/size.ts";

export type {
  RedisAddress,
  RedisClusterAdapterOptions,
  RedisClusterClient,
  RedisClusterNatMap,
  RedisTlsOptions,
};

/**
 * Creates the adapter for Redis Cluster. It connects when it is opened; follows slots that move and replicas that take
 * over, restores every subscription before it says `"up"`, and repeats nothing: what is published to a shard that is away
 * is dropped and reported.
 *
 * @example The one line that changes
 * ```ts ignore
 * // Needs a cluster.
 * const adapter = createRedisClusterAdapter(["redis://10.0.0.1:6379", "redis://10.0.0.2:6379"]);
 * const hub = createHub(chat, { authenticate, adapter });
 * ```
 *
 * @example Options, and an adapter that was never opened
 * ```ts
 * import { createRedisClusterAdapter } from "@trunkline/hub/adapters/redis-cluster";
 * import { assertEquals } from "@std/assert";
 *
 * await using adapter = createRedisClusterAdapter({
 *   nodes: "rediss://redis.example.com",
 *   username: "chat",
 *   password: "correct horse",
 *   prefix: "chat",
 * });
 * assertEquals(adapter.name, "redis-cluster");
 * ```
 *
 * @param options Some of the cluster's nodes, or options.
 * @throws {TypeError} If no node can be read, or options contradict each other.
 * @throws {RangeError} If a number is out of range.
 */
export function createRedisClusterAdapter(
  options: string | readonly (string | RedisAddress)[] | RedisClusterAdapterOptions,
): Adapter {
  return new RedisClusterAdapter(isNodes(options) ? { nodes: options } : options);
}

const isNodes = (value: unknown): value is string | readonly (string | RedisAddress)[] =>
  typeof value === "string" || Array.isArray(value);

/** There are so many slots, and a partition needs one. */
const MAX_PARTITIONS = 1_024;
/** So many different failures are remembered. */
const MAX_FAILURES = 100;
/** How long `close` waits for Redis to confirm what was published before it. */
const DRAIN_MS = 2_000;

class RedisClusterAdapter implements Adapter {
  readonly name = "redis-cluster";
  readonly maxMessageBytes: number;
  readonly #maxPendingBytes: number;
  readonly #nodes: ClusterNodes;
  readonly #names: Names;
  readonly #mode: PubSub;
  readonly #places: readonly Place[];
  readonly #clock: Clock;
  readonly #times: Record<"connectTimeoutMs" | "probeIntervalMs" | "probeTimeoutMs", number>;
  readonly #reports: Reports;
  readonly #opening = Promise.withResolvers<void>();
  #context: AdapterContext | undefined;
  /** Outlives the context until what was published is on its way, or lost. */
  #onError: AdapterContext["onError"] | undefined;
  #mail: Mail | undefined;
  #map: ClusterMap | undefined;
  #pendingBytes = 0;
  #pending = 0;
  #drained = () => {};
  #everUp = false;
  /** What has been said already of nodes that cannot be used. */
  readonly #failures = new Set<string>();
  #closed: Promise<void> | undefined;

  constructor(options: RedisClusterAdapterOptions) {
    const { mode = "sharded", partitions = 64, clock = systemClock } = options;
    if (mode !== "sharded" && mode !== "classic") {
      throw new TypeError('Cannot create a redis-cluster adapter: mode must be "sharded" or "classic"');
    }
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
      throw new RangeError(
        `Cannot create a redis-cluster adapter: partitions must be 1 to ${MAX_PARTITIONS}`,
      );
    }
    this.#nodes = readNodes(options);
    this.#names = new Names(options.prefix ?? "trunkline");
    this.#mode = mode;
    this.#places = mode === "sharded" ? placePartitions(partitions) : [{ tag: "classic", slot: -1 }];
    this.#clock = clock;
    this.#times = {
      connectTimeoutMs: positive(options, "connectTimeoutMs", 5_000),
      probeIntervalMs: positive(options, "probeIntervalMs", 5_000),
      probeTimeoutMs: positive(options, "probeTimeoutMs", 5_000),
    };
    this.maxMessageBytes = positive(options, "maxMessageBytes", 8 * 1024 * 1024);
    this.#maxPendingBytes = positive(options, "maxPendingBytes", 32 * 1024 * 1024);
    this.#reports = new Reports(clock);
    this.#opening.promise.catch(() => {}); // an adapter may be closed that nobody opened
  }

  open(context: AdapterContext): Promise<void> {
    if (this.#closed) return Promise.reject(new Error("Cannot open a closed redis-cluster adapter"));
    if (this.#context) {
      return Promise.reject(
        new TypeError("Cannot open a redis-cluster adapter twice: create one for each hub"),
      );
    }
    this.#context = context;
    this.#onError = (error, info) => context.onError(error, info);
    this.#mail = new Mail(context.nodeId, this.#places.length);
    this.#map = new ClusterMap({
      ...this.#times,
      nodes: this.#nodes,
      mode: this.#mode,
      places: this.#places,
      probeOf: ({ tag }) => this.#names.ofProbe(tag, context.nodeId),
      clientName: context.nodeId,
      clock: this.#clock,
      onMessage: (channel, data, partition) => this.#receive(channel, data, partition),
      onStatus: (status) => this.#statusIs(status),
      onFailure: (cause, address) => this.#failed(cause, address),
      onBroken: (stage, cause, address) => this.#broken(stage, cause, address),
      onSettled: (message) => this.#settled(message.data.length),
      onLost: ({ of }, reason, cause) => this.#lost(of, reason, cause),
      onRefused: (error, channel) => this.#refused(error, channel),
    });
    this.#map.start();
    return this.#opening.promise;
  }

  async subscribe(channel: string): Promise<void> {
    if (!this.#map || this.#closed) {
      throw new Error("Cannot subscribe: the redis-cluster adapter is not open");
    }
    const { interests, place } = this.#partitionOf(channel);
    try {
      await interests.subscribe(channel, this.#names.of(place.tag, channel));
    } catch (cause) {
      throw this.#error(`Cannot subscribe to "${channel}" at ${this.#where}`, cause);
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    if (!this.#map || this.#closed) return;
    const { interests, place } = this.#partitionOf(channel);
    await interests.unsubscribe(this.#names.of(place.tag, channel));
  }

  publish(channel: string, data: AdapterData): void {
    if (!this.#map || this.#closed) return;
    const bytes = bytesBeyond(data, this.maxMessageBytes);
    if (bytes !== undefined) {
      const error = new HubError(
        "TOO_LARGE",
        `Cannot publish ${bytes} bytes on "${channel}": ${this.#where} takes at most ${this.maxMessageBytes}`,
        { data: { bytes, maxBytes: this.maxMessageBytes } },
      );
      return queueMicrotask(() => this.#report(error, "publish", channel));
    }
    const { outbox, place, index } = this.#partitionOf(channel);
    // Packing copies bytes, which the publisher may change after this call.
    const packed = this.#mail!.pack(index, data);
    // Nothing else under way: whatever its size, it must be able to leave.
    if (this.#pending > 0 && this.#pendingBytes + packed.length > this.#maxPendingBytes) {
      return this.#lost(channel, "more than maxPendingBytes are on their way");
    }
    this.#pending++;
    this.#pendingBytes += packed.length;
    outbox.publish({
      outbox,
      of: channel,
      since: this.#clock.now(),
      channel: this.#names.of(place.tag, channel),
      data: packed,
    });
  }

  /** By `PUBSUB SHARDNUMSUB`, for which an ACL need not allow the command. Of classic pub/sub no node knows the whole. */
  async countListeners(channel: string): Promise<number | undefined> {
    if (!this.#map || this.#closed || this.#mode === "classic") return undefined;
    const partition = this.#partitionOf(channel);
    try {
      const count = await this.#map.countSubscribers(partition, this.#names.of(partition.place.tag, channel));
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

  get #where(): string {
    return `redis-cluster at ${this.#nodes.seeds().join(", ")}`;
  }

  #partitionOf(channel: string): ClusterMap["partitions"][number] {
    return this.#map!.partitions[partitionOf(channel, this.#places.length)]!;
  }

  async #close(): Promise<void> {
    const closed = new Error("the redis-cluster adapter was closed meanwhile");
    this.#opening.reject(new Error("Cannot open the redis-cluster adapter: it was closed meanwhile"));
    this.#context = undefined;
    const map = this.#map;
    if (!map) return this.#reports.close();
    for (const { interests } of map.partitions) interests.close(closed);
    await this.#drain();
    await map.close();
    await this.#drain(); // what had no answer has failed
    this.#reports.close();
    this.#onError = undefined;
  }

  /** Waits until nothing is on its way, for a limited time. */
  async #drain(): Promise<void> {
    if (this.#pending === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    const cancel = this.#clock.after(DRAIN_MS, resolve);
    await promise;
    cancel();
  }

  #statusIs(status: "up" | "down"): void {
    if (status === "up") {
      this.#everUp = true;
      this.#failures.clear();
    }
    this.#context?.onStatus(status);
    if (status === "up") this.#opening.resolve();
  }

  #failed(cause: unknown, address: string): boolean {
    const { error, refused } = nodeFailure(cause, address, this.#nodes.secrets);
    if (!this.#context) return refused;
    if (refused && !this.#everUp) {
      this.#opening.reject(error);
      void this.close();
      return refused;
    }
    // Said once until it works again, not with each attempt and each connection.
    if (!this.#failures.has(error.message)) this.#report(error, "open");
    if (this.#failures.size === MAX_FAILURES) this.#failures.clear();
    this.#failures.add(error.message);
    return refused;
  }

  #broken(stage: "publish" | "delivery", cause: unknown, address: string): void {
    if (!this.#context) return;
    const which = stage === "publish" ? "publisher" : "subscriber";
    this.#reports.add(`${which} ${address}`, 1, () => {
      const what = `The ${which}'s connection to redis-cluster at ${address} is lost`;
      this.#report(this.#error(what, cause), stage);
    });
  }

  #receive(channel: string, data: Uint8Array<ArrayBuffer>, partition: number): void {
    if (!this.#context) return;
    const message = this.#mail!.unpack(partition, data, this.#clock.now());
    if (message === "known") return;
    if (message !== "foreign") return this.#context.deliver(channel, message.data, message.from);
    this.#reports.add("foreign", 1, (count) => {
      const what = `Ignored ${inMessages(count)} at ${this.#where} that no hub has sent`;
      this.#report(new Error(what), "delivery", channel);
    });
  }

  #settled(bytes: number): void {
    this.#pending--;
    this.#pendingBytes -= bytes;
    if (this.#pending === 0) this.#drained();
  }

  #lost(channel: string, reason: string, cause?: Error): void {
    if (!this.#onError) return;
    this.#reports.add(reason, 1, (count) => {
      const what = `Cannot publish ${inMessages(count)} to ${this.#where}: ${reason}`;
      this.#report(this.#error(what, cause), "publish", channel);
    });
  }

  #refused(cause: Error, channel: string | undefined): void {
    if (!this.#context) return;
    this.#reports.add(`refused ${cause.message}`, 1, () => {
      this.#report(this.#error(`Cannot subscribe again at ${this.#where}`, cause), "subscribe", channel);
    });
  }

  #error(what: string, cause: unknown): Error {
    return explained(what, cause, this.#nodes.secrets);
  }

  #report(error: Error, stage: AdapterStage, channel?: string): void {
    this.#onError?.(error, channel === undefined ? { stage } : { stage, channel });
  }
}
