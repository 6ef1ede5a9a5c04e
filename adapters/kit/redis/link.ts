/**
 * One connection to Redis, by any client library. Each connection is used once: when it is lost, a new one takes its
 * place. No queue and no subscription of an old connection ever comes back by itself.
 *
 * @module
 */

import type { AdapterData } from "../../adapter.ts";
import { orAborted } from "../or_aborted.ts";

/** A message on its way to Redis. */
export interface RedisMessage {
  /** The Redis channel. */
  readonly name: string;
  /** The data to send. */
  readonly data: AdapterData;
}

/** The events of a connection. None comes after a call of `destroy`. */
export interface RedisLinkEvents {
  /** A message of a subscribed channel. Name and data are bytes, as Redis sent them. */
  onMessage(channel: Uint8Array, data: Uint8Array<ArrayBuffer>): void;
  /** The connection is gone, or could not be made. Called once. */
  onLost(cause: unknown): void;
}

/** One connection. */
export interface RedisLink {
  /** Resolves when the connection takes commands. When it rejects, `onLost` is called too. */
  readonly ready: Promise<void>;
  /** A round trip. Rejects when Redis refuses, or the connection is lost. */
  ping(): Promise<void>;
  /** Subscribes with one command. A refusal applies to all channels of the command. */
  subscribe(channels: readonly string[]): Promise<void>;
  /** Ends subscriptions with one command. */
  unsubscribe(channels: readonly string[]): Promise<void>;
  /**
   * Sends messages in this order, in as few writes as possible. It never sends a message again.
   *
   * @returns For each message the number of subscribers that got it, or the error. Never rejects. Calls are settled in
   * their order.
   */
  publish(messages: readonly RedisMessage[]): Promise<readonly (number | Error)[]>;
  /**
   * Sends commands in this order, in one write. It never sends a command again.
   *
   * @returns The answer to each command, or the error. Never rejects. Calls are settled in their order.
   */
  run(commands: readonly (readonly string[])[]): Promise<readonly unknown[]>;
  /** How many connections subscribe to a channel. */
  countSubscribers(channel: string): Promise<number>;
  /** Ends the connection at once, in any state. Resolves when its socket is closed; never rejects. */
  destroy(): Promise<void>;
  /**
   * Finds out why the server closed the connection before it was ready. Returns the given error if it finds nothing.
   */
  explain?(error: unknown): Promise<unknown>;
}

/** Makes connections to Redis. */
export interface RedisDriver {
  /** The server's address, without credentials: `127.0.0.1:6379`. */
  readonly address: string;
  /** Texts that must not appear in errors. */
  readonly secrets: readonly string[];
  /** Begins a connection. A promise while the library is loaded; it rejects when the library is not installed. */
  connect(events: RedisLinkEvents): RedisLink | Promise<RedisLink>;
}

/**
 * Waits until a connection takes commands. When it rejects, the connection is closed.
 *
 * @param making A new connection, or a promise of one.
 * @param signal Ends the wait, and the connection.
 * @param prepare Further steps before the connection is ready.
 */
export async function whenReady<L extends Pick<RedisLink, "ready" | "destroy" | "explain">>(
  making: L | Promise<L>,
  signal: AbortSignal,
  prepare?: (link: L) => Promise<unknown>,
): Promise<L> {
  const link = await making;
  try {
    return await orAborted(link.ready.then(() => prepare?.(link)).then(() => link), signal);
  } catch (error) {
    await link.destroy();
    throw await link.explain?.(error) ?? error;
  }
}
