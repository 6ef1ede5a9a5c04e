/**
 * Connects with Bun's own client, for users who pass one. That client can listen since Bun 1.4, on a connection beside
 * its pool. The client reconnects by itself. But here each client lives only as long as its first connection.
 *
 * @module
 */

import type { Role } from "../kit/engine.ts";
import {
  APPLICATION_NAME,
  type Connection,
  type ConnectionEvents,
  type Dialer,
  prepareSession,
  type Row,
} from "./connection.ts";
import { formatAddress } from "./target.ts";

/** The part of Bun's client that the adapter uses. */
export interface BunSql {
  readonly options: BunSqlOptions;
  unsafe(statement: string, parameters: readonly string[]): PromiseLike<readonly Row[]>;
  listen(channel: string, listener: (payload: string) => void): Promise<BunSubscription>;
  close(options: { readonly timeout: number }): Promise<void>;
}

interface BunSubscription {
  unlisten(): Promise<void>;
}

interface BunSqlOptions {
  readonly adapter?: string;
  readonly hostname?: string;
  readonly port?: number | string;
  readonly database?: string;
  readonly password?: unknown;
  readonly connection?: Readonly<Record<string, unknown>>;
}

type BunSqlClass = new (options: Readonly<Record<string, unknown>>) => BunSql;

/** Creates clients with the same options as the user's client. */
export class BunDialer implements Dialer {
  readonly address: string;
  readonly secrets: readonly string[];
  readonly #given: BunSql;
  readonly #connectTimeoutMs: number;

  /**
   * @param given The user's client. Only its options and its class are used.
   * @param connectTimeoutMs How long a connection attempt may take, in milliseconds.
   */
  constructor(given: BunSql, connectTimeoutMs: number) {
    const { hostname: host = "localhost", port = 5432, database = "", password } = given.options;
    this.address = `${formatAddress({ host, port: Number(port) })}/${database}`;
    this.secrets = typeof password === "string" ? [password] : [];
    this.#given = given;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  async connect(role: Role, events: ConnectionEvents, signal: AbortSignal): Promise<Connection> {
    const link = new BunLink(this.#given, this.#connectTimeoutMs, events);
    const abort = () => void link.destroy();
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      // A connection that listens does not need the pool.
      if (role === "publisher") {
        await prepareSession((statement, parameters) => link.ask(statement, parameters));
      }
      signal.throwIfAborted();
      return link;
    } catch (error) {
      await link.destroy();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

class BunLink implements Connection {
  readonly #sql: BunSql;
  readonly #subscriptions = new Map<string, Promise<BunSubscription>>();
  readonly #lost = Promise.withResolvers<never>();
  #events: ConnectionEvents | undefined;

  constructor(given: BunSql, connectTimeoutMs: number, events: ConnectionEvents) {
    this.#events = events;
    this.#lost.promise.catch(() => {});
    const { options } = given;
    const Client = given.constructor as BunSqlClass;
    this.#sql = new Client({
      ...options,
      connection: { ...options.connection, application_name: APPLICATION_NAME },
      max: 1,
      idleTimeout: 0,
      maxLifetime: 0,
      connectionTimeout: Math.ceil(connectTimeoutMs / 1_000),
      onclose: (cause: unknown) => this.#lose(cause ?? new Error("the connection was closed")),
    });
  }

  async listen(channels: readonly string[]): Promise<void> {
    await Promise.all(channels.map(async (channel) => {
      this.#check();
      // An ended subscription may still receive notifications after the next `listen` on the same channel.
      const listener = (payload: string) => {
        if (this.#subscriptions.get(channel) === subscription) this.#events?.onNotification(channel, payload);
      };
      const subscription = this.#orLost(this.#sql.listen(channel, listener));
      this.#subscriptions.set(channel, subscription);
      await subscription;
    }));
  }

  async unlisten(channels: readonly string[]): Promise<void> {
    await Promise.all(channels.map(async (channel) => {
      const subscription = this.#subscriptions.get(channel);
      this.#subscriptions.delete(channel);
      if (subscription) await this.#orLost((await subscription).unlisten());
    }));
  }

  async ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]> {
    this.#check();
    return await this.#orLost(this.#sql.unsafe(statement, [...parameters]));
  }

  async destroy(): Promise<void> {
    this.#events = undefined;
    this.#lost.reject(new Error("it was closed meanwhile"));
    await this.#sql.close({ timeout: 0 }).catch(() => {});
  }

  /** Without this check, the client would reconnect by itself. */
  #check(): void {
    if (!this.#events) throw new Error("the connection was closed");
  }

  #lose(cause: unknown): void {
    this.#lost.reject(cause);
    const events = this.#events;
    this.#events = undefined;
    events?.onLost(cause);
  }

  async #orLost<T>(answer: PromiseLike<T>): Promise<T> {
    const answered = Promise.resolve(answer);
    answered.catch(() => {}); // it may reject when no caller waits any more
    return await Promise.race([answered, this.#lost.promise]);
  }
}
