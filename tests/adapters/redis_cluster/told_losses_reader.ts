/**
 * An adapter of Redis Cluster that hears its own messages, and a book of what it still has to hear, or to be told about.
 *
 * @module
 */

import { Mail } from "../../../adapters/redis_cluster/mail.ts";
import { ClusterMap } from "../../../adapters/redis_cluster/map.ts";
import type { ClusterNodes } from "../../../adapters/redis_cluster/nodes.ts";
import type { Outgoing } from "../../../adapters/redis_cluster/publishing/outbox.ts";
import { Names, partitionOf, placePartitions } from "../../../adapters/redis_cluster/partitions.ts";
import { decodeEnvelope } from "../../../adapters/kit/envelope.ts";
import { FakeClock } from "../../fake_clock.ts";
import type { Journal } from "./journal.ts";

const PARTITIONS = 4;
/** Of how many missing messages to tell. */
const MAX_STORIES = 3;
/** The channels. */
export const CHANNELS: readonly string[] = Array.from({ length: 12 }, (_, i) => `c${i}`);
const places = placePartitions(PARTITIONS);
/** The slots of all channels. */
export const SLOTS: readonly number[] = places.map(({ slot }) => slot);
const names = new Names("p");
const partOf = (channel: string): number => partitionOf(channel, PARTITIONS);
const nameOf = (channel: string): string => names.of(places[partOf(channel)]!.tag, channel);
const numberIn = (data: string) => Number(decodeEnvelope(new TextEncoder().encode(data))!.data);
const published = (channel: string, n: number) => `${channel}: ${n} is published`;

/** The adapter takes its own messages as if another node had sent them. */
export class Reader {
  readonly clock = new FakeClock();
  readonly map: ClusterMap;
  readonly problems: string[] = [];
  /** The latest message of each channel. */
  readonly latest = new Map<string, number>();
  /** The subscribed channels, with a mark of each subscription, and those that are live. */
  readonly wanted = new Map<string, symbol>();
  readonly live = new Set<string>();
  /** How many channels are being unsubscribed. */
  leaving = 0;
  readonly #journal: Journal;
  /** All messages that no node has taken, and that are not told as lost: even a gap does not excuse them. */
  readonly #unsettled = new Map<number, string>();
  /** The messages of each channel that must come, or be told as lost, or be before the end of a gap. */
  readonly #missing = new Map(CHANNELS.map((channel) => [channel, new Set<number>()]));
  readonly #sender = new Mail("a", PARTITIONS);
  readonly #receiver = new Mail("b", PARTITIONS);
  #count = 0;

  /**
   * @param nodes The nodes of the cluster.
   * @param journal What happens is written there.
   */
  constructor(nodes: ClusterNodes, journal: Journal) {
    this.#journal = journal;
    const times = { connectTimeoutMs: 1_000, probeIntervalMs: 500, probeTimeoutMs: 1_000 };
    this.map = new ClusterMap({
      ...times,
      nodes,
      mode: "sharded",
      places,
      probeOf: ({ tag }) => names.ofProbe(tag, "b"),
      clientName: "test",
      clock: this.clock,
      onMessage: (channel, data, partition) => this.#take(channel, data, partition),
      onStatus: (status) => {
        journal.note(undefined, `the adapter is ${status}`);
        if (status === "up") this.#excuse(CHANNELS);
      },
      onGap: (channels) => {
        journal.note(SLOTS[partOf(channels[0]!)], `a gap on ${channels}`);
        this.#excuse(channels);
      },
      onFailure: () => "unreachable",
      onBroken: (stage, cause, address) => {
        journal.note(undefined, `the ${stage} of ${address} breaks: ${cause}`);
        if (/do not match/.test(String(cause))) this.problems.push(String(cause));
      },
      onSettled: () => {},
      onLost: (message, reason) => this.#lost(message, reason),
      onRefused: (error) => this.problems.push(String(error)),
    });
    this.map.start();
  }

  /** The latest number of all channels. */
  get count(): number {
    return this.#count;
  }

  /** What still has to come or to be told, and what has happened to its slot since; empty if there is nothing. */
  get missing(): string {
    const missing = [...this.#missing].flatMap(([channel, [first]]) =>
      first === undefined ? [] : [[first, channel, "does not come"] as const]
    );
    const unsettled = [...this.#unsettled].map(([n, channel]) => [n, channel, "goes to no node"] as const);
    return [...missing, ...unsettled].slice(0, MAX_STORIES).map(([n, channel, what]) =>
      `${channel}: ${n} ${what}\n${this.#journal.story(SLOTS[partOf(channel)]!, published(channel, n))}`
    ).join("\n");
  }

  subscribe(channel: string): void {
    const mark = Symbol();
    this.wanted.set(channel, mark);
    const live = () => {
      if (this.wanted.get(channel) !== mark) return;
      this.live.add(channel);
      this.#note(channel, `${channel} is live`);
    };
    this.#partition(channel).interests.subscribe(channel, nameOf(channel)).then(live, () => {});
  }

  unsubscribe(channel: string): void {
    this.wanted.delete(channel);
    this.live.delete(channel);
    this.#note(channel, `${channel} is unsubscribed`);
    this.#excuse([channel]);
    this.leaving++;
    void this.#partition(channel).interests.unsubscribe(nameOf(channel)).then(() => this.leaving--);
  }

  publish(channel: string): void {
    const n = ++this.#count;
    if (this.live.has(channel)) this.#missing.get(channel)!.add(n);
    this.#unsettled.set(n, channel);
    this.#note(channel, published(channel, n));
    const { outbox } = this.#partition(channel);
    const data = this.#sender.pack(partOf(channel), String(n));
    outbox.publish({ outbox, of: channel, name: nameOf(channel), data, since: this.clock.now() });
  }

  /** A node has taken a message. */
  taken(data: string): void {
    this.#unsettled.delete(numberIn(data));
  }

  #take(channel: string, raw: Uint8Array<ArrayBuffer>, partition: number): void {
    const message = this.#receiver.unpack(partition, raw, this.clock.now());
    const n = typeof message === "string" ? message : Number(message.data);
    this.#note(channel, `${channel}: ${n} comes`);
    if (typeof n === "string") return;
    const latest = this.latest.get(channel) ?? 0;
    if (n <= latest) this.problems.push(`${channel}: ${n} after ${latest}`);
    this.latest.set(channel, n);
    this.#missing.get(channel)!.delete(n);
  }

  #lost({ of, data }: Outgoing, reason: string): void {
    const n = numberIn(data as string);
    this.#unsettled.delete(n);
    this.#note(of, `${of}: ${n} is told as lost: ${reason}`);
    this.#missing.get(of)!.delete(n);
  }

  #excuse(channels: readonly string[]): void {
    for (const channel of channels) this.#missing.get(channel)!.clear();
  }

  #note(channel: string, text: string): void {
    this.#journal.note(SLOTS[partOf(channel)], text);
  }

  #partition(channel: string) {
    return this.map.partitions[partOf(channel)]!;
  }
}
