/**
 * One connection to one node of a Redis Cluster, by ioredis. Each connection is used once: it never reconnects, queues
 * or subscribes again by itself. So other parts of the adapter decide alone where messages and subscriptions go.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Redis, RedisOptions } from "ioredis";
import { isReply } from "../kit/redis/errors.ts";
import { whyClosed } from "../kit/redis/greeting.ts";
import { answersOf, InOrder } from "../kit/redis/in_order.ts";
import type { RedisLinkEvents, RedisMessage } from "../kit/redis/link.ts";

/** The kind of pub/sub: within a shard, or over all nodes of the cluster. */
export type PubSub = "sharded" | "classic";

/** The events of a connection to a node of a cluster. */
export interface ClusterLinkEvents extends RedisLinkEvents {
  /** The node has ended subscriptions by itself, as it does when a slot leaves it. It does not say which. */
  onEvicted(): void;
}

/** How to connect. */
export interface ClusterLinkOptions {
  /** The client of ioredis. */
  readonly Redis: typeof Redis;
  /** Host, port, credentials and TLS. */
  readonly redis: RedisOptions;
  readonly mode: PubSub;
  /** The name in `CLIENT LIST`. */
  readonly name: string;
}

/** The error of ioredis for an answer when no command waits for one. */
const LEFT_OVER = /^Command queue state error.* Last (reply|error): (.+)$/s;

/** The end of subscriptions whose answers are under way. */
interface Leaving {
  /** The answer to the ping after the last command. */
  readonly token: string;
  /** What the node has refused. */
  readonly refusals: Error[];
  /** Settles when the ping's answer comes as one too many, or the connection ends. */
  readonly late: PromiseWithResolvers<void>;
}

/** A connection. */
export class ClusterLink {
  /** Resolves when the connection takes commands. */
  readonly ready: Promise<void>;
  readonly #redis: Redis;
  readonly #mode: PubSub;
  readonly #ended: Promise<void>;
  readonly #inOrder = new InOrder();
  #pings = 0;
  #leaving: Leaving | undefined;
  #silent = false;

  /**
   * Begins a connection.
   *
   * @param options How to connect.
   * @param events Called with the events.
   */
  constructor({ Redis, redis, mode, name }: ClusterLinkOptions, events: ClusterLinkEvents) {
    this.#mode = mode;
    this.#redis = new Redis({
      ...redis,
      lazyConnect: true,
      retryStrategy: null,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      enableAutoPipelining: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: null,
      reconnectOnError: null,
      keyPrefix: "",
      readOnly: false,
      disableClientInfo: true,
      // An idle subscriber is not dead.
      commandTimeout: undefined,
      socketTimeout: undefined,
      db: 0,
      protocol: mode === "sharded" ? 3 : 2,
      replyMapping: "legacy",
      himportFieldsets: undefined,
      monitor: false,
      // Redis takes no names with spaces.
      connectionName: name.replace(/[^\x21-\x7e]/g, "_"),
    });
    // ioredis reports the reason first. Its error at the end says less.
    let cause: unknown;
    this.#redis.on("error", (error) => {
      if (this.#expects(error)) return;
      cause ??= error;
      // There was one reply too many. From here on, replies would not match commands.
      if (/^Command queue state error/.test(String(error?.message))) this.#redis.disconnect();
    });
    this.#redis.on("moved", () => {
      if (!this.#silent) events.onEvicted();
    });
    this.#redis.on(
      mode === "sharded" ? "smessageBuffer" : "messageBuffer",
      (channel: Uint8Array, data: Uint8Array<ArrayBuffer>) => {
        if (!this.#silent) events.onMessage(channel, data);
      },
    );
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    this.ready = new Promise((resolve, reject) => {
      this.#redis.once("ready", resolve);
      this.#redis.once("end", () => {
        cause ??= new Error("The connection was closed by the other side");
        reject(cause);
        this.#leaving?.late.reject(cause);
        if (!this.#silent) events.onLost(cause);
        ended.resolve();
      });
    });
    this.ready.catch(() => {});
    this.#redis.connect().catch((error) => {
      cause ??= error;
    });
  }

  /** The channels that the node has for this connection, as far as it has told. */
  get channels(): ReadonlySet<string> {
    const told = this.#redis.condition?.subscriber;
    return new Set(told ? told.channels(this.#mode === "sharded" ? "ssubscribe" : "subscribe") : []);
  }

  /** A round trip. Also rejects when the answer belongs to another ping. */
  async ping(): Promise<void> {
    await this.#ping(`${++this.#pings}`);
  }

  async #ping(token: string): Promise<void> {
    const reply: unknown = await this.#redis.ping(token);
    const [answer] = [reply].flat().slice(-1);
    if (String(answer) !== token) throw new Error("The connection's answers do not match its commands");
  }

  /**
   * Subscribes with one command; in sharded mode, all channels must be of one slot. A refusal applies to all channels
   * of the command.
   */
  async subscribe(channels: readonly string[]): Promise<void> {
    if (this.#mode === "sharded") await this.#redis.ssubscribe(...channels);
    else await this.#redis.subscribe(...channels);
  }

  /**
   * Ends subscriptions, with one command for each group, and makes a round trip. Until that is over, nothing else may
   * be sent.
   *
   * When a slot leaves the node at the same time, the node ends subscriptions by itself. Its messages about them look
   * like the answers. The real answers are refusals. They then go to later commands, or no command is left for them.
   * But the answer to the ping always comes last, and after it answers match commands again.
   *
   * Each command takes no more messages than it has channels. So if the node ends any other subscription meanwhile,
   * there are messages left over, and `onEvicted` is called.
   *
   * @param groups The channels; in sharded mode, all of a group must be of one slot.
   * @returns The refusals. They do not say which command they belong to.
   */
  async unsubscribe(groups: readonly (readonly string[])[]): Promise<readonly Error[]> {
    const leaving: Leaving = { token: `${++this.#pings}`, refusals: [], late: Promise.withResolvers() };
    const { token, refusals, late } = leaving;
    late.promise.catch(() => {}); // most often no code waits for it
    this.#leaving = leaving;
    const refused = (error: Error) => {
      if (!isReply(error)) throw error;
      refusals.push(error);
    };
    try {
      await Promise.all([
        ...groups.map((channels) => this.#unsubscribe(channels).catch(refused)),
        this.#ping(token).catch((error) => {
          refused(error);
          return late.promise;
        }),
      ]);
    } finally {
      this.#leaving = undefined;
    }
    return refusals;
  }

  async #unsubscribe(channels: readonly string[]): Promise<void> {
    if (this.#mode === "sharded") await this.#redis.sunsubscribe(...channels);
    else await this.#redis.unsubscribe(...channels);
  }

  /** Whether an error is only an answer that `unsubscribe` waits for. */
  #expects(error: unknown): boolean {
    const [, kind, text] = LEFT_OVER.exec(error instanceof Error ? error.message : "") ?? [];
    if (!this.#leaving || text === undefined) return false;
    if (kind === "error") this.#leaving.refusals.push(new Error(text));
    else if (text === this.#leaving.token) this.#leaving.late.resolve();
    else return false;
    return true;
  }

  /**
   * Sends messages in this order, in one write. It never sends a message again.
   *
   * @returns For each message the number of subscribers that got it, or the error. Never rejects. Calls are settled in
   * their order.
   */
  async publish(messages: readonly RedisMessage[]): Promise<readonly (number | Error)[]> {
    const pipeline = this.#redis.pipeline();
    for (const { name, data } of messages) {
      const payload = typeof data === "string" ? data : toBuffer(data);
      if (this.#mode === "sharded") pipeline.spublish(name, payload);
      else pipeline.publish(name, payload);
    }
    const answers = await this.#inOrder.settle(answersOf(pipeline, messages.length));
    return answers.map((answer) => answer instanceof Error ? answer : Number(answer));
  }

  /**
   * Sends commands in this order, in one write. It never sends a command again.
   *
   * @returns The answer to each command, or the error. Never rejects.
   */
  run(commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    const pipeline = this.#redis.pipeline();
    for (const [name, ...args] of commands) pipeline.call(name!, ...args);
    return this.#inOrder.settle(answersOf(pipeline, commands.length));
  }

  /** Sends any other command. */
  command(name: string, ...args: string[]): Promise<unknown> {
    return this.#redis.call(name, ...args);
  }

  /** Finds out why the node closed the connection before it was ready. */
  async explain(error: unknown): Promise<unknown> {
    const { host, port, tls } = this.#redis.options;
    return tls ? error : await whyClosed(error, host ?? "localhost", port ?? 6379);
  }

  /** Ends the connection at once, in any state. Resolves when its socket is closed; never rejects. */
  async destroy(): Promise<void> {
    this.#silent = true;
    if (this.#redis.status !== "end") {
      this.#redis.disconnect();
      // Does not wait for the other side to close, because that may never happen.
      (this.#redis as unknown as { stream?: { destroy(): void } }).stream?.destroy();
    }
    await this.#ended;
  }
}

/** Bytes in the form that ioredis needs: it would write any other array as text. */
function toBuffer(data: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
