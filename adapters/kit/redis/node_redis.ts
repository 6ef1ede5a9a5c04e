/**
 * Connections by node-redis (the package `redis`), versions 4 to 6. The types are written here, because the library is
 * loaded only for users who choose it without their own client.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { RedisOptions } from "ioredis";
import { loadLibrary } from "../library.ts";
import { InOrder } from "./in_order.ts";
import type { RedisDriver, RedisLink, RedisLinkEvents, RedisMessage } from "./link.ts";

/** The part of a node-redis client that is used. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly options?: NodeRedisSettings;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  connect(): Promise<unknown>;
  /** Since version 5. */
  destroy?(): void;
  disconnect(): Promise<unknown>;
  ping(): Promise<unknown>;
  subscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown>;
  unsubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown>;
  publish(channel: string, message: string | Buffer): Promise<unknown>;
  sendCommand(args: string[]): Promise<unknown>;
  duplicate(overrides: Readonly<Record<string, unknown>>): NodeRedisClient;
}

type Listener = (message: Uint8Array<ArrayBuffer>, channel: Uint8Array) => void;

interface NodeRedisSettings {
  readonly url?: string;
  readonly password?: string;
  readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
}

/**
 * Makes connections with our own options.
 *
 * @param settings Address and credentials.
 * @param connectTimeoutMs How long connecting may take.
 * @throws {TypeError} If the settings name sentinels.
 */
export function createNodeRedisDriver(settings: RedisOptions, connectTimeoutMs: number): RedisDriver {
  const { host, port, username, password, tls, sentinels } = settings;
  if (sentinels) {
    throw new TypeError('Cannot connect by Redis Sentinel with the connector "node-redis": use "ioredis"');
  }
  const socket = { host, port, ...(tls ? { ...tls, tls: true } : {}) } as NodeRedisSettings["socket"];
  const create = async (overrides: object) => {
    const { createClient } = await loadLibrary("redis", "pass `client`", () => import("redis"));
    const name = "trunkline";
    return createClient({ name, username, password, ...overrides }) as unknown as NodeRedisClient;
  };
  return driver(
    { socket, ...(password === undefined ? {} : { password: password! }) },
    create,
    connectTimeoutMs,
  );
}

/**
 * Makes connections with the options of the user's client.
 *
 * @param client The client. It is only duplicated.
 * @param connectTimeoutMs How long connecting may take.
 */
export function duplicateNodeRedis(client: NodeRedisClient, connectTimeoutMs: number): RedisDriver {
  return driver(client.options ?? {}, (overrides) => client.duplicate({ ...overrides }), connectTimeoutMs);
}

function driver(
  { socket, password }: NodeRedisSettings,
  create: (overrides: object) => NodeRedisClient | Promise<NodeRedisClient>,
  connectTimeoutMs: number,
): RedisDriver {
  const overrides = {
    // A connection is used once; the keeper makes the next one. So the client must not queue, repeat or restore
    // anything.
    socket: {
      ...socket,
      reconnectStrategy: false,
      connectTimeout: connectTimeoutMs,
      socketTimeout: undefined,
    },
    disableOfflineQueue: true,
    commandsQueueMaxLength: undefined,
    // An idle subscriber may not ping under RESP2. The adapter probes it in another way.
    pingInterval: undefined,
    database: undefined,
    keyPrefix: undefined,
    clientSideCache: undefined,
    emitInvalidate: undefined,
    // Sending the library's name needs a permission that an ACL for pub/sub does not give.
    disableClientInfo: true,
  };
  const { host = "localhost", port = 6379, path } = socket ?? {};
  return {
    address: path ?? `${host}:${port}`,
    secrets: password === undefined ? [] : [password],
    connect: async (events) => new NodeRedisLink(await create(overrides), events),
  };
}

class NodeRedisLink implements RedisLink {
  readonly ready: Promise<void>;
  readonly #client: NodeRedisClient;
  readonly #inOrder = new InOrder();
  #events: RedisLinkEvents | undefined;
  #cause: unknown;

  constructor(client: NodeRedisClient, events: RedisLinkEvents) {
    this.#client = client;
    this.#events = events;
    // The client must not reconnect, so every error ends it.
    client.on("error", (error) => this.#lose(error));
    client.on("end", () => this.#lose(new Error("The connection was closed")));
    this.ready = client.connect().then(() => {}, (error) => {
      this.#lose(error);
      throw this.#cause;
    });
    this.ready.catch(() => {});
  }

  async ping(): Promise<void> {
    await this.#client.ping();
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#client.subscribe([...channels], this.#listener, true);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#client.unsubscribe([...channels], this.#listener, true);
  }

  async publish(messages: readonly RedisMessage[]): Promise<readonly (number | Error)[]> {
    // The client writes them together at the end of the turn, in the order of the calls.
    const results = await this.#inOrder.settle(Promise.allSettled(messages.map(({ name, data }) => {
      const argument = typeof data === "string"
        ? data
        : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return this.#client.publish(name, argument);
    })));
    return results.map((result) => result.status === "fulfilled" ? Number(result.value) : result.reason);
  }

  async run(commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    const replies = await this.#inOrder.settle(Promise.allSettled(
      commands.map((command) => this.#client.sendCommand([...command])),
    ));
    return replies.map((reply) => reply.status === "fulfilled" ? reply.value : reply.reason);
  }

  async countSubscribers(channel: string): Promise<number> {
    const reply = await this.#client.sendCommand(["PUBSUB", "NUMSUB", channel]);
    return Number((reply as unknown[])[1]);
  }

  async destroy(): Promise<void> {
    this.#events = undefined;
    await this.#end();
    // A client that is still connecting ignores the first call.
    await this.ready.then(() => this.#end(), () => {});
  }

  readonly #listener: Listener = (message, channel) => this.#events?.onMessage(channel, message);

  async #end(): Promise<void> {
    try {
      if (this.#client.destroy) this.#client.destroy();
      else await this.#client.disconnect();
    } catch {
      // It has ended already; the client throws an error for that.
    }
  }

  #lose(cause: unknown): void {
    this.#cause ??= cause;
    const events = this.#events;
    this.#events = undefined;
    events?.onLost(this.#cause);
  }
}
