/**
 * Redis pub/sub as an engine. Each node has two connections, because a connection that subscribes can do nothing else.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { Engine, LinkEvents, Role, Verdict } from "../kit/engine.ts";
import { explained, type Failure } from "../kit/failure.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { isReply, redisFailure } from "../kit/redis/errors.ts";
import { type RedisDriver, type RedisLink, whenReady } from "../kit/redis/link.ts";
import { NotSentError, type RedisReach } from "../kit/redis/reach.ts";
import { isHistoryFrame, NOT_SHARED, readHistoryFrame } from "../kit/redis/history/frame.ts";
import { RedisHistory } from "../kit/redis/history/store.ts";
import { createRedisPresence } from "../kit/redis/presence/store.ts";
import type { PresenceStore } from "../presence_store.ts";
import type { RedisChannels } from "./channels.ts";
import { RedisProbe } from "./probe.ts";

/** Options of {@linkcode RedisEngine}. */
export interface RedisEngineOptions {
  readonly driver: RedisDriver;
  readonly channels: RedisChannels;
  readonly clock: Clock;
  readonly probeTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly historyKeepMs: number;
  /** Whether the script that keeps a message also publishes it. */
  readonly publishesHistory: boolean;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The Redis of one adapter. */
export class RedisEngine implements Engine<RedisLink> {
  readonly name = "redis";
  readonly title = "Redis";
  readonly separatePublisher = true;
  /** Redis does one command at a time, so a long command delays all clients. */
  readonly batchSize = 500;
  readonly maxMessageBytes: number;
  readonly #driver: RedisDriver;
  readonly #channels: RedisChannels;
  readonly #probe: RedisProbe;
  readonly presence: PresenceStore;
  readonly history: RedisHistory;
  #publisher: RedisLink | undefined;

  /** @param options The options. */
  constructor(options: RedisEngineOptions) {
    const { driver, channels, clock, probeTimeoutMs, maxMessageBytes, historyKeepMs } = options;
    this.maxMessageBytes = maxMessageBytes;
    this.#driver = driver;
    this.#channels = channels;
    this.#probe = new RedisProbe(clock, probeTimeoutMs);
    const where = `Redis at ${driver.address}`;
    const reach = (keys: string): RedisReach => ({
      partOf: () => 0,
      keysOf: () => keys,
      run: async (_part, commands) => {
        if (!this.#publisher) throw new NotSentError(`${where} is not connected`);
        const replies = await this.#publisher.run(commands);
        if (replies.some((reply) => !(reply instanceof Error))) this.#probe.sign("publisher");
        return replies;
      },
      explain: (error) => explained(where, error, driver.secrets),
    });
    this.presence = createRedisPresence("redis", reach(channels.presenceKeys));
    this.history = new RedisHistory({
      name: "redis",
      reach: reach(channels.historyKeys),
      maxMessageBytes,
      keepMs: historyKeepMs,
      ...(options.publishesHistory && {
        publishing: { command: "PUBLISH", nameOf: (channel) => channels.nameOf(channel) },
      }),
    });
  }

  get address(): string {
    return this.#driver.address;
  }

  get secrets(): readonly string[] {
    return this.#driver.secrets;
  }

  nameOf(channel: string): string {
    return this.#channels.nameOf(channel);
  }

  async connect(role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<RedisLink> {
    const probeChannel = this.#channels.probeOf(nodeId);
    const connecting = this.#driver.connect({
      onMessage: (channel, data) => {
        this.#probe.sign("subscriber");
        const name = decoder.decode(channel);
        if (name === probeChannel) this.#probe.hear(decoder.decode(data));
        else if (isHistoryFrame(data)) this.#kept(name, data, events);
        else events.onMessage(name, data);
      },
      onLost: (cause) => {
        this.#probe.stop();
        events.onLost(cause);
      },
    });
    this.#probe.channel = probeChannel;
    const link = await whenReady(
      connecting,
      signal,
      (link) => role === "publisher" ? link.ping() : link.subscribe([probeChannel]),
    );
    if (role === "publisher") this.#publisher = link;
    return link;
  }

  async destroy(link: RedisLink): Promise<void> {
    if (link === this.#publisher) this.#publisher = undefined;
    this.#probe.stop();
    await link.destroy();
  }

  /**
   * If Redis refuses one channel, as an ACL does, it refuses the whole command. Then each channel is subscribed alone.
   */
  async subscribe(link: RedisLink, names: readonly string[]): Promise<(Error | undefined)[]> {
    try {
      await link.subscribe(names);
      return [];
    } catch (error) {
      if (!isReply(error)) throw error;
      if (names.length === 1) return [error as Error];
      return (await Promise.all(names.map((name) => this.subscribe(link, [name])))).map(([refusal]) =>
        refusal
      );
    }
  }

  async unsubscribe(link: RedisLink, names: readonly string[]): Promise<void> {
    await link.unsubscribe(names);
  }

  async publish(link: RedisLink, messages: readonly OutgoingMessage[]): Promise<PublishResults> {
    const results = await link.publish(messages);
    if (results.some((result) => typeof result === "number")) this.#probe.sign("publisher");
    return results;
  }

  async probe(publisher: RedisLink): Promise<Verdict | undefined> {
    return await this.#probe.run(publisher);
  }

  async countListeners(publisher: RedisLink, name: string): Promise<number> {
    return await publisher.countSubscribers(name);
  }

  /** Another node has kept a message. */
  #kept(name: string, data: Uint8Array<ArrayBuffer>, events: LinkEvents): void {
    const frame = readHistoryFrame(data);
    if (!frame) events.onMessage(name, data); // the receiver reports it as foreign
    else if (!this.history.receive(this.#channels.channelOf(name), frame)) {
      events.onTrouble("delivery", NOT_SHARED);
    }
  }

  judge(cause: unknown): Failure {
    return redisFailure(cause, `Redis at ${this.address}`, this.secrets);
  }
}
