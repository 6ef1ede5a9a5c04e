/**
 * The subscriptions of a node on one connection. It listens to partitions, and passes on only the channels that the
 * node wants.
 *
 * @module
 */

import type { Chunks } from "../kit/chunks.ts";
import type { LinkEvents } from "../kit/engine.ts";
import { type NotifyChannels, partitionOf, readPayload } from "./channels.ts";
import type { Connection } from "./connection.ts";

interface Partition {
  /** The wanted channels of the partition. */
  readonly names: Set<string>;
  /** Resolves when the server has confirmed. */
  live: Promise<void>;
}

/** The subscriptions of one connection. */
export class Listening {
  readonly #connection: Pick<Connection, "listen" | "unlisten">;
  readonly #channels: NotifyChannels;
  readonly #chunks: Chunks;
  readonly #partitions = new Map<number, Partition>();

  /**
   * @param connection The connection.
   * @param channels The notify channels.
   * @param chunks Joins the parts of large messages.
   */
  constructor(connection: Pick<Connection, "listen" | "unlisten">, channels: NotifyChannels, chunks: Chunks) {
    this.#connection = connection;
    this.#channels = channels;
    this.#chunks = chunks;
  }

  /** Resolves when all are live. Rejects when the connection cannot be used. */
  async subscribe(names: readonly string[]): Promise<void> {
    const added: Partition[] = [];
    const channels: string[] = [];
    const waits = new Set<Promise<void>>();
    for (const name of names) {
      const number = partitionOf(name);
      let partition = this.#partitions.get(number);
      if (!partition) {
        partition = { names: new Set(), live: Promise.resolve() };
        this.#partitions.set(number, partition);
        added.push(partition);
        channels.push(this.#channels.of(number));
      } else {
        waits.add(partition.live);
      }
      partition.names.add(name);
    }
    if (added.length > 0) {
      const live = this.#connection.listen(channels);
      for (const partition of added) partition.live = live;
      waits.add(live);
    }
    await Promise.all(waits);
  }

  /** Resolves when no more messages of these channels can arrive. */
  async unsubscribe(names: readonly string[]): Promise<void> {
    const channels: string[] = [];
    for (const name of names) {
      const number = partitionOf(name);
      const partition = this.#partitions.get(number);
      if (!partition?.names.delete(name)) continue;
      this.#chunks.forget(name);
      if (partition.names.size > 0) continue;
      this.#partitions.delete(number);
      channels.push(this.#channels.of(number));
    }
    // A later subscribe goes over the same connection, so the server gets it after this unlisten.
    if (channels.length > 0) await this.#connection.unlisten(channels);
  }

  /** Handles a notification. */
  heard(channel: string, payload: string, events: LinkEvents): void {
    const partition = this.#partitions.get(this.#channels.partition(channel));
    if (!partition) return;
    const read = readPayload(payload);
    if (!read) {
      // The channel of a foreign payload is unknown, so it is reported with any channel of the partition.
      const [name] = partition.names;
      if (name !== undefined) events.onMessage(name, "");
      return;
    }
    if (!partition.names.has(read.name)) return;
    const data = this.#chunks.join(read.name, read.data);
    if (data !== undefined) events.onMessage(read.name, data);
  }
}
