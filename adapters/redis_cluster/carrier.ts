/**
 * Carries messages over the shards of a Redis Cluster: each channel belongs to a partition, each partition to a shard.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";
import type { Clock } from "../../contract/clock.ts";
import { isHistoryFrame, NOT_SHARED, readHistoryFrame } from "../kit/redis/history/frame.ts";
import type { RedisHistory } from "../kit/redis/history/store.ts";
import type { Carrier, Reporter } from "../kit/shell.ts";
import { nodeFailure } from "./errors.ts";
import type { PubSub } from "./link.ts";
import { Mail } from "./mail.ts";
import { ClusterMap, type Partition } from "./map.ts";
import type { ClusterNodes } from "./nodes.ts";
import { type Names, partitionOf, type Place } from "./partitions.ts";

/** Options of {@linkcode ClusterCarrier}. */
export interface ClusterCarrierOptions {
  readonly nodes: ClusterNodes;
  readonly names: Names;
  readonly mode: PubSub;
  readonly places: readonly Place[];
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly maxPendingBytes: number;
  /** Takes the messages that other nodes have kept. */
  readonly history?: RedisHistory;
}

/** How long `close` waits for Redis to confirm the messages published before it. */
const DRAIN_MS = 2_000;

/** Carries the messages of one node. */
export class ClusterCarrier implements Carrier {
  readonly #options: ClusterCarrierOptions;
  readonly #reporter: Reporter;
  readonly #mail: Mail;
  readonly #map: ClusterMap;
  #pendingBytes = 0;
  #pending = 0;
  #drained = () => {};

  /**
   * @param options The options.
   * @param reporter Called with the events.
   */
  constructor(options: ClusterCarrierOptions, reporter: Reporter) {
    const { nodes, names, places, clock } = options;
    const { nodeId } = reporter;
    this.#options = options;
    this.#reporter = reporter;
    this.#mail = new Mail(nodeId, places.length);
    this.#map = new ClusterMap({
      ...options,
      probeOf: ({ tag }) => names.ofProbe(tag, nodeId),
      clientName: nodeId,
      onMessage: (channel, data, partition) => {
        if (isHistoryFrame(data)) return this.#kept(channel, data);
        const message = this.#mail.unpack(partition, data, clock.now());
        if (message === "foreign") reporter.foreign(channel);
        else if (message !== "known") reporter.deliver(channel, message.data, message.from);
      },
      onStatus: (status) => reporter[status](),
      onGap: (channels) => reporter.gap(channels),
      onFailure: (cause, address) => {
        const failure = nodeFailure(cause, address, nodes.secrets);
        reporter.failed(failure);
        return failure.kind;
      },
      onBroken: (stage, cause, address) => {
        const which = stage === "publish" ? "publisher" : "subscriber";
        reporter.broken(`The ${which}'s connection`, stage, cause, address);
      },
      onSettled: ({ data }) => this.#settled(data.length),
      onLost: ({ of }, reason, cause) => reporter.lost(reason, 1, of, cause),
      onRefused: (error, channel) => reporter.trouble("Cannot subscribe again", "subscribe", channel, error),
    });
  }

  start(): void {
    this.#map.start();
  }

  async subscribe(channel: string, signal: AbortSignal | undefined): Promise<void> {
    const { interests, place } = this.#partitionOf(channel);
    await interests.subscribe(channel, this.#options.names.of(place.tag, channel), signal);
  }

  async unsubscribe(channel: string): Promise<void> {
    const { interests, place } = this.#partitionOf(channel);
    await interests.unsubscribe(this.#options.names.of(place.tag, channel));
  }

  publish(channel: string, data: AdapterData): void {
    const { names, clock, maxPendingBytes } = this.#options;
    const { outbox, place, index } = this.#partitionOf(channel);
    // Packing copies the bytes, because the publisher may change them after this call.
    const packed = this.#mail.pack(index, data);
    // If nothing else is under way, a message of any size may go.
    if (this.#pending > 0 && this.#pendingBytes + packed.length > maxPendingBytes) {
      return this.#reporter.lost("more than maxPendingBytes are on their way", 1, channel);
    }
    this.#pending++;
    this.#pendingBytes += packed.length;
    const name = names.of(place.tag, channel);
    outbox.publish({ outbox, of: channel, since: clock.now(), name, data: packed });
  }

  /**
   * Uses `PUBSUB SHARDNUMSUB`, which an ACL may forbid. With classic pub/sub, no node knows the number for the whole
   * cluster.
   */
  async countListeners(channel: string): Promise<number | undefined> {
    if (this.#options.mode === "classic") return undefined;
    const partition = this.#partitionOf(channel);
    return await this.#map.countSubscribers(partition, this.#options.names.of(partition.place.tag, channel));
  }

  /** Sends commands to the shard that serves a partition; see `RedisReach`. */
  async run(part: number, commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    return await this.#map.run(this.#map.partitions[part]!, commands);
  }

  async close(reason: Error): Promise<void> {
    for (const { interests } of this.#map.partitions) interests.close(reason);
    await this.#drain();
    await this.#map.close();
    await this.#drain(); // messages without an answer have failed by now
  }

  /** Another node has kept a message. */
  #kept(channel: string, data: Uint8Array<ArrayBuffer>): void {
    const frame = readHistoryFrame(data);
    if (!frame) this.#reporter.foreign(channel);
    else if (!this.#options.history?.receive(channel, frame)) {
      this.#reporter.trouble(NOT_SHARED, "delivery", undefined, undefined);
    }
  }

  #partitionOf(channel: string): Partition {
    return this.#map.partitions[partitionOf(channel, this.#options.places.length)]!;
  }

  /** Waits until no message is on its way, for a limited time. */
  async #drain(): Promise<void> {
    if (this.#pending === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    const cancel = this.#options.clock.after(DRAIN_MS, resolve);
    await promise;
    cancel();
  }

  #settled(bytes: number): void {
    this.#pending--;
    this.#pendingBytes -= bytes;
    if (this.#pending === 0) this.#drained();
  }
}
