/**
 * This node's view of the cluster: which shard serves which partition, and the connections to the shards. It is kept up
 * to date.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { isForNow, type Moved, readMoved } from "./errors.ts";
import { Finder, type Found } from "./finder.ts";
import type { FailureKind } from "../kit/failure.ts";
import { loadLibrary } from "../kit/library.ts";
import { NotSentError } from "../kit/redis/reach.ts";
import { Interests } from "./subscribing/interests.ts";
import { ClusterLink, type ClusterLinkEvents, type PubSub } from "./link.ts";
import { MeetingPlace } from "./meeting_place.ts";
import { Departures, HOLD_MS } from "./moves.ts";
import type { ClusterNodes } from "./nodes.ts";
import { Outbox, type Outgoing } from "./publishing/outbox.ts";
import type { Place } from "./partitions.ts";
import { Publisher } from "./publishing/publisher.ts";
import { Shard } from "./shard.ts";
import { Subscriber } from "./subscribing/subscriber.ts";
import { masterOf } from "./topology.ts";

/** The shortest and the longest pause before another look at the cluster while something is wrong. */
const FIRST_LOOK_MS = 20;
const MAX_LOOK_MS = 1_000;
/** Options of {@linkcode ClusterMap}. */
export interface ClusterMapOptions {
  readonly nodes: ClusterNodes;
  readonly mode: PubSub;
  readonly places: readonly Place[];
  /** The name of the channel on which this node probes a partition. */
  probeOf(place: Place): string;
  /** The part of the connections' name in `CLIENT LIST` after their purpose. */
  readonly clientName: string;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  /** A message of a subscribed channel. */
  onMessage(channel: string, data: Uint8Array<ArrayBuffer>, partition: number): void;
  /** Everything works, or something does not. */
  onStatus(status: "up" | "down"): void;
  /** These channels are live again, and may have missed messages. */
  onGap(channels: readonly string[]): void;
  /** A node could not be used. */
  onFailure(cause: unknown, address: string): FailureKind;
  /** A connection that could publish or deliver is gone. */
  onBroken(stage: "publish" | "delivery", cause: unknown, address: string): void;
  onSettled(message: Outgoing): void;
  onLost(message: Outgoing, reason: string, cause?: Error): void;
  /** Redis refuses a channel that was live before. */
  onRefused(error: Error, channel: string | undefined): void;
}

/** One partition and its shard. */
export interface Partition {
  readonly index: number;
  readonly place: Place;
  readonly interests: Interests;
  readonly outbox: Outbox;
  /** The address of its shard. */
  owner: string | undefined;
  /** When it moved to that shard, by the clock. */
  movedAt: number;
  /** The shards that have said lately that they do not serve the partition any more, and when. */
  readonly departures: Departures;
}

/** This node's view of the cluster. */
export class ClusterMap {
  readonly partitions: readonly Partition[];
  readonly #options: ClusterMapOptions;
  readonly #shards = new Map<string, Shard>();
  /** The partition of each Redis channel. */
  readonly #directory = new Map<string, Interests>();
  readonly #indexes = new Map<Interests, number>();
  readonly #closing = new Set<Promise<void>>();
  readonly #finder: Finder;
  /** Where all partitions are with classic pub/sub. */
  readonly #meetingPlace: MeetingPlace | undefined;
  #status: "up" | "down" = "down";
  #looking = false;
  #lookAgain = false;
  /** Whether the next look is an early one, because something is wrong. */
  #soon = false;
  #lookMs = FIRST_LOOK_MS;
  #cancelLook = () => {};
  #cancelCheck = () => {};
  #cancelJudge = () => {};
  #closed = false;

  /** @param options The options. */
  constructor(options: ClusterMapOptions) {
    this.#options = options;
    const { nodes, mode, places, probeOf, clock, connectTimeoutMs, probeTimeoutMs } = options;
    this.#meetingPlace = mode === "classic" ? new MeetingPlace(clock) : undefined;
    const { onSettled, onLost, onFailure, onGap } = options;
    this.#finder = new Finder({
      nodes,
      clock,
      connectTimeoutMs,
      answerMs: probeTimeoutMs,
      connect: (address, events) => this.#connect(address, "look", events),
      onFailure,
    });
    this.partitions = places.map((place, index) => {
      const interests = new Interests({
        slot: place.slot,
        probe: probeOf(place),
        directory: this.#directory,
        clock,
        onGap: (channels) => {
          // When the status is up again the hub counts all channels as missed.
          if (this.#status === "up") onGap(channels);
        },
        onChange: () => this.#judge(),
      });
      const outbox = new Outbox({
        slot: place.slot,
        clock,
        onMoved: (moved, from) => this.#moved(moved, from),
        onTrouble: () => this.#trouble(),
        onSettled,
        onLost,
      });
      this.#indexes.set(interests, index);
      return {
        index,
        place,
        interests,
        outbox,
        owner: undefined,
        movedAt: -Infinity,
        departures: new Departures(),
      };
    });
  }

  /** Begins to look for the cluster, until `close`. */
  start(): void {
    void this.#look();
    this.#cancelCheck = this.#options.clock.after(this.#options.probeIntervalMs, () => this.#check());
  }

  /** Asks a shard how many connections subscribe to a channel. */
  async countSubscribers(partition: Partition, channel: string): Promise<number | undefined> {
    const shard = partition.owner === undefined ? undefined : this.#shards.get(partition.owner);
    const link = shard?.publisher.link;
    // While a slot moves, the new shard has only some of its subscriptions.
    if (!link || this.#status === "down") return undefined;
    const reply = await link.command("PUBSUB", "SHARDNUMSUB", channel);
    return this.#status === "up" ? Number((reply as unknown[])[1]) : undefined;
  }

  /** Sends commands to the shard that serves a partition, in one write. Rejects only if there is no connection. */
  async run(partition: Partition, commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    const { owner, place } = partition;
    const link = owner === undefined ? undefined : this.#shards.get(owner)?.publisher.link;
    if (this.#closed) throw new NotSentError("The adapter is closed", true);
    if (!link) {
      this.#trouble();
      throw new NotSentError(
        owner === undefined ? "No shard is known" : `The connection to ${owner} is down`,
      );
    }
    const replies = await link.run(commands);
    const refusal = replies.find(isForNow);
    const moved = readMoved(refusal);
    if (moved?.slot === place.slot) this.#moved(moved, owner!);
    else if (refusal) this.#trouble();
    return replies;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelLook();
    this.#cancelCheck();
    this.#cancelJudge();
    for (const shard of this.#shards.values()) this.#end(shard);
    await Promise.all([this.#finder.close(), ...this.#closing]);
    for (const { outbox } of this.partitions) outbox.close();
  }

  /** Looks at the cluster now, or after the present look. */
  async #look(): Promise<void> {
    this.#cancelLook();
    if (this.#closed) return;
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    this.#lookAgain = false;
    const connected = [...this.#shards.values()].flatMap(({ address, publisher: { link } }) =>
      link ? [{ address, link }] : []
    );
    const topology = await this.#finder.find(connected);
    this.#looking = false;
    if (this.#closed) return;
    if (topology) this.#apply(topology);
    this.#judge();
    this.#lookLater();
  }

  /** Plans the next look: soon while something is wrong, otherwise at the interval of the probes. */
  #lookLater(): void {
    const { clock, probeIntervalMs } = this.#options;
    this.#soon = this.#status === "down" || this.#lookAgain;
    if (!this.#soon) this.#lookMs = FIRST_LOOK_MS;
    // A random pause, so that not all nodes look at the same moment.
    const ms = (this.#soon ? this.#lookMs : probeIntervalMs) * (1 + Math.random()) / 2;
    if (this.#soon) this.#lookMs = Math.min(2 * this.#lookMs, MAX_LOOK_MS);
    this.#cancelLook();
    this.#cancelLook = clock.after(ms, () => void this.#look());
  }

  /** The known topology may be wrong. */
  #trouble(): void {
    if (this.#closed) return;
    this.#lookAgain = true;
    if (!this.#looking && !this.#soon) this.#lookLater();
  }

  #apply(topology: Found): void {
    const present = this.partitions[0]!.owner;
    const works = this.#shards.get(present ?? "")?.publisher.failed === false;
    const one = this.#meetingPlace?.choose(topology, present, works);
    const now = this.#options.clock.now();
    for (const partition of this.partitions) {
      const owner = one ?? masterOf(topology, partition.place.slot);
      // That node has not heard of the move: going back would only bring the same answer again.
      if (owner !== undefined && partition.departures.isNews(owner, now)) this.#lookAgain = true;
      else this.#assign(partition, owner);
    }
    this.#sweep();
  }

  #assign(partition: Partition, owner: string | undefined): void {
    // A missing answer is no reason to change the shard.
    if (owner === undefined || owner === partition.owner) return;
    if (partition.owner !== undefined && this.#status === "up") {
      // Messages wait until the connection to the new shard is ready.
      partition.movedAt = this.#options.clock.now();
      this.#judgeLater();
    }
    partition.owner = owner;
    const shard = this.#shardAt(owner);
    partition.outbox.moveTo(shard.publisher);
    partition.interests.moveTo(shard.subscriber);
  }

  /** A shard says that a slot has moved. For now its answer is better than the last look at the cluster. */
  #moved({ slot, address }: Moved, from: string): void {
    if (this.#closed) return;
    if (address !== undefined) {
      const { nodes, clock } = this.#options;
      const to = nodes.locate(address);
      for (const partition of this.partitions) {
        // The answer of any other shard is late.
        if (partition.place.slot !== slot || partition.owner !== from) continue;
        if (partition.departures.follows(from, to, clock.now())) this.#assign(partition, to);
      }
    }
    this.#trouble();
    this.#judge();
  }

  #shardAt(address: string): Shard {
    const known = this.#shards.get(address);
    if (known) return known;
    const { clock, connectTimeoutMs, probeTimeoutMs, onFailure, onRefused, onBroken } = this.#options;
    const common = {
      address,
      clock,
      connectTimeoutMs,
      answerMs: probeTimeoutMs,
      onFailure: (cause: unknown) => {
        this.#trouble();
        return onFailure(cause, address);
      },
    };
    const publisher = new Publisher({
      ...common,
      connect: (events) => this.#connect(address, "publish", events),
      prepare: (link) => this.#tryPublishing(link, address),
      onReady: () => {
        this.#routesChanged(publisher);
        if (this.#meetingPlace && this.#status === "down") void this.#look();
      },
      onLost: (cause) => {
        this.#meetingPlace?.lost(address);
        this.#routesChanged(publisher);
        this.#trouble();
        onBroken("publish", cause, address);
      },
    });
    const subscriber: Subscriber = new Subscriber({
      ...common,
      connect: (events) => this.#connect(address, "subscribe", events),
      onMessage: (name, data) => this.#receive(subscriber, name, data),
      onMoved: (moved) => this.#moved(moved, address),
      onTrouble: () => this.#trouble(),
      onLost: (cause) => {
        this.#trouble();
        onBroken("delivery", cause, address);
      },
      onRefused,
    });
    const shard = new Shard(publisher, subscriber);
    this.#shards.set(address, shard);
    return shard;
  }

  #routesChanged(publisher: Publisher): void {
    for (const { outbox } of this.partitions) if (outbox.uses(publisher)) outbox.changed();
    this.#judge();
  }

  /** Tests at once whether publishing can work: it cannot without sharded pub/sub, or without permission. */
  async #tryPublishing(link: ClusterLink, address: string): Promise<void> {
    const partition = this.partitions.find(({ owner }) => owner === address) ?? this.partitions[0]!;
    const [result] = await link.publish([{ name: partition.interests.probe, data: "" }]);
    if (result instanceof Error && !isForNow(result)) throw result;
  }

  async #connect(address: string, what: string, events: ClusterLinkEvents): Promise<ClusterLink> {
    const { nodes, mode, clientName, connectTimeoutMs } = this.#options;
    const { Redis } = await loadLibrary("ioredis", "", () => import("ioredis"));
    const redis = { ...nodes.optionsFor(address), connectTimeout: connectTimeoutMs };
    return new ClusterLink({ Redis, redis, mode, name: `trunkline-${what}:${clientName}` }, events);
  }

  #receive(from: Subscriber, name: string, data: Uint8Array<ArrayBuffer>): void {
    const interests = this.#directory.get(name);
    // A message from the partition's old shard is late: new messages come from its present shard.
    if (!interests || interests.home !== from) return;
    if (name === interests.probe) return from.probed(new TextDecoder().decode(data));
    const channel = interests.channelOf(name);
    if (channel !== undefined) this.#options.onMessage(channel, data, this.#indexes.get(interests)!);
  }

  #check(): void {
    const { clock, probeIntervalMs } = this.#options;
    this.#cancelCheck = clock.after(probeIntervalMs, () => this.#check());
    this.#sweep();
    for (const shard of this.#shards.values()) shard.check();
  }

  /** Closes connections to nodes that serve no partition of ours any more. */
  #sweep(): void {
    for (const shard of this.#shards.values()) {
      shard.subscriber.rest();
      const used = this.partitions.some(({ owner, outbox }) =>
        owner === shard.address || outbox.uses(shard.publisher)
      );
      if (!used && shard.subscriber.idle) this.#end(shard);
    }
  }

  #end(shard: Shard): void {
    this.#shards.delete(shard.address);
    const closing = shard.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Checks the status again when a move must be over. */
  #judgeLater(): void {
    this.#cancelJudge();
    this.#cancelJudge = this.#options.clock.after(HOLD_MS + 1, () => this.#judge());
  }

  #judge(): void {
    if (this.#closed) return;
    const moving = this.#options.clock.now() - HOLD_MS;
    const isUp = this.#status === "up";
    // A move is no outage. But nothing that is still moving is back after an outage.
    const fine = this.partitions.every(({ owner, interests, movedAt }) =>
      owner !== undefined &&
      (isUp ? !interests.broken : interests.settled && this.#meetingPlace?.reachesAll !== false) &&
      (this.#shards.get(owner)?.publisher.ready || (isUp && movedAt > moving))
    );
    const status = fine ? "up" : "down";
    if (status === this.#status) return;
    this.#status = status;
    if (status === "down") this.#trouble();
    this.#options.onStatus(status);
  }
}
