/**
 * Connections by ioredis, versions 5 and 6.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { RedisOptions } from "ioredis";
import { loadLibrary } from "../library.ts";
import { isReply, saidBy } from "./errors.ts";
import { whyClosed } from "./greeting.ts";
import { answersOf, InOrder } from "./in_order.ts";
import type { RedisDriver, RedisLink, RedisLinkEvents, RedisMessage } from "./link.ts";

/** The part of an ioredis client that is used. */
export interface IoredisClient {
  readonly status: string;
  readonly options: IoredisSettings;
  readonly stream?: { destroy(): unknown };
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  connect(): Promise<void>;
  disconnect(): void;
  ping(): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  pipeline(): IoredisPipeline;
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(overrides: Readonly<Record<string, unknown>>): IoredisClient;
}

interface IoredisPipeline {
  publish(channel: string, message: string | Buffer): unknown;
  call(command: string, ...args: string[]): unknown;
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

interface IoredisSettings {
  readonly host?: string | null;
  readonly port?: number | null;
  readonly path?: string | null;
  readonly name?: string | null;
  readonly tls?: unknown;
  readonly password?: string | null;
  readonly sentinelPassword?: string | null;
  readonly sentinels?: readonly { readonly host?: string; readonly port?: number }[] | null;
}

/** The settings of our own connections. They replace the same options of a client that the user gave. */
const OWN_SETTINGS: Readonly<Record<string, unknown>> = {
  lazyConnect: true,
  // A connection is used once; the keeper makes the next one. So ioredis must not queue, repeat or restore anything by
  // itself.
  retryStrategy: null,
  reconnectOnError: null,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: null,
  // After one round the keeper asks the sentinels again, with its own pauses.
  sentinelRetryStrategy: null,
  failoverDetector: false,
  // Publishes leave in our own pipelines, in order. An idle subscriber is not dead.
  enableAutoPipelining: false,
  commandTimeout: undefined,
  socketTimeout: undefined,
  // Messages are binary in both protocols. RESP2 needs no HELLO, which old servers and proxies do not know.
  protocol: 2,
  replyMapping: "legacy",
  // Channels have neither databases nor key prefixes.
  db: 0,
  keyPrefix: "",
  himportFieldsets: undefined,
  monitor: false,
  // Sending the library's name needs a permission that an ACL for pub/sub does not give.
  disableClientInfo: true,
};

/**
 * Makes connections with our own options.
 *
 * @param settings Address and credentials.
 * @param connectTimeoutMs How long connecting may take.
 */
export function createIoredisDriver(settings: RedisOptions, connectTimeoutMs: number): RedisDriver {
  // The name appears in CLIENT LIST. Without the permission for it, the connection has no name.
  const create = async (overrides: object) => {
    const { Redis } = await loadLibrary("ioredis", "pass `client`", () => import("ioredis"));
    return new Redis({ ...settings, connectionName: "trunkline", ...overrides }) as unknown as IoredisClient;
  };
  return driver(settings, create, connectTimeoutMs);
}

/**
 * Makes connections with the options of the user's client.
 *
 * @param client The client. It is only duplicated.
 * @param connectTimeoutMs How long connecting may take.
 */
export function duplicateIoredis(client: IoredisClient, connectTimeoutMs: number): RedisDriver {
  return driver(client.options, (overrides) => client.duplicate({ ...overrides }), connectTimeoutMs);
}

function driver(
  settings: IoredisSettings,
  create: (overrides: object) => IoredisClient | Promise<IoredisClient>,
  connectTimeoutMs: number,
): RedisDriver {
  const { sentinels, password, sentinelPassword } = settings;
  const overrides = {
    ...OWN_SETTINGS,
    connectTimeout: connectTimeoutMs,
    // Asks for the role, so that a demoted master is not taken for a master. This needs INFO.
    enableReadyCheck: Boolean(sentinels?.length),
  };
  return {
    address: addressOf(settings),
    secrets: [password, sentinelPassword].filter((secret) => typeof secret === "string"),
    connect: async (events) => new IoredisLink(await create(overrides), events),
  };
}

function addressOf({ host, port, path, name, sentinels }: IoredisSettings): string {
  if (sentinels?.length) {
    return `${name} of the sentinels ${
      sentinels.map(({ host, port }) => `${host}:${port ?? 26379}`).join(", ")
    }`;
  }
  return path ?? `${host?.includes(":") ? `[${host}]` : host ?? "localhost"}:${port ?? 6379}`;
}

class IoredisLink implements RedisLink {
  readonly ready: Promise<void>;
  readonly #client: IoredisClient;
  readonly #inOrder = new InOrder();
  readonly #ended = Promise.withResolvers<void>();
  #events: RedisLinkEvents | undefined;
  /** The first error. The error of a command is only its consequence. */
  #cause: unknown;

  constructor(client: IoredisClient, events: RedisLinkEvents) {
    this.#client = client;
    this.#events = events;
    client.on("messageBuffer", (channel, data) => {
      this.#events?.onMessage(channel as Uint8Array, data as Uint8Array<ArrayBuffer>);
    });
    client.on("error", (error) => this.#cause ??= saidBy(error));
    // Each event is about one sentinel. It does not matter when another sentinel answers.
    client.on("sentinelError", (error) => {
      const words = [this.#cause, error].filter((one) => one instanceof Error).map(({ message }) => message);
      this.#cause = new Error(words.join("; "));
    });
    client.on("connect", () => this.#cause = undefined);
    client.on("end", () => {
      this.#ended.resolve();
      this.#lose();
    });
    this.ready = client.connect().catch((error) => {
      this.#cause ??= error;
      throw this.#cause;
    });
    this.ready.catch(() => {});
  }

  async ping(): Promise<void> {
    await this.#do(this.#client.ping());
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#do(this.#client.subscribe(...channels));
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#do(this.#client.unsubscribe(...channels));
  }

  async publish(messages: readonly RedisMessage[]): Promise<readonly (number | Error)[]> {
    const pipeline = this.#client.pipeline();
    for (const { name, data } of messages) pipeline.publish(name, toArgument(data));
    const answers = await this.#inOrder.settle(answersOf(pipeline, messages.length));
    return answers.map((answer) => answer instanceof Error ? answer : Number(answer));
  }

  run(commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    const pipeline = this.#client.pipeline();
    for (const [name, ...args] of commands) pipeline.call(name!, ...args);
    return this.#inOrder.settle(answersOf(pipeline, commands.length));
  }

  async countSubscribers(channel: string): Promise<number> {
    const reply = await this.#do(this.#client.call("PUBSUB", "NUMSUB", channel));
    return Number((reply as unknown[])[1]);
  }

  destroy(): Promise<void> {
    this.#events = undefined;
    if (this.#client.status !== "end") {
      this.#client.disconnect();
      // Does not wait for the other side to close, because that may never happen.
      this.#client.stream?.destroy();
    } else {
      this.#ended.resolve();
    }
    return this.#ended.promise;
  }

  async explain(error: unknown): Promise<unknown> {
    const { host, port, path, sentinels, tls } = this.#client.options;
    // Over TLS the server cannot send an error before the handshake. Sentinels may name another master by now.
    if (path || tls || sentinels?.length) return error;
    return await whyClosed(error, host ?? "localhost", port ?? 6379);
  }

  async #do<T>(command: Promise<T>): Promise<T> {
    try {
      return await command;
    } catch (error) {
      throw isReply(error) ? error : this.#cause ?? error;
    }
  }

  #lose(): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onLost(this.#cause ?? new Error("The connection was closed"));
  }
}

/** A view of the bytes, not a copy. */
function toArgument(data: string | Uint8Array<ArrayBuffer>): string | Buffer {
  return typeof data === "string" ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
