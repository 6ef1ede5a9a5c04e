/**
 * One connection to Redis, whatever client library makes it. It lives once: lost is lost, and a new one takes its place.
 * So nothing of an old connection, no queue and no subscription, ever comes back by itself.
 *
 * @module
 */

import type { AdapterData } from "../../adapter.ts";
import { orAborted } from "../or_aborted.ts";

/** A message on its way to Redis. */
export interface RedisMessage {
  /** The Redis channel. */
  readonly name: string;
  /** What to send. */
  readonly data: AdapterData;
}

/** What a connection tells. Nothing any more once `destroy` was called. */
export interface RedisLinkEvents {
  /** A message of a channel that this connection subscribes to. Both are bytes as Redis sent them. */
  onMessage(channel: Uint8Array, data: Uint8Array<ArrayBuffer>): void;
  /** The connection is gone, or never came to be. Called once. */
  onLost(cause: unknown): void;
}

/** One connection. */
export interface RedisLink {
  /** Resolves when it takes commands. When it rejects `onLost` is called too. */
  readonly ready: Promise<void>;
  /** Round trip; rejects when Redis refuses, or the connection is lost. */
  ping(): Promise<void>;
  /** Subscribes with one command. A refusal holds for all of them. */
  subscribe(channels: readonly string[]): Promise<void>;
  /** Ends subscriptions with one command. */
  unsubscribe(channels: readonly string[]): Promise<void>;
  /**
   * Sends messages in this order, in as few writes as possible. Never sent again, whatever happens.
   *
   * @returns For each message how many subscribers Redis gave it to, or why it did not. Never rejects.
   */
  publish(messages: readonly RedisMessage[]): Promise<readonly (number | Error)[]>;
  /**
   * Sends commands in this order, in one write. Never sent again, whatever happens.
   *
   * @returns What each is answered, or the error. Never rejects.
   */
  run(commands: readonly (readonly string[])[]): Promise<readonly unknown[]>;
  /** How many connections subscribe to a channel. */
  countSubscribers(channel: string): Promise<number>;
  /** Ends it at once, in whatever state it is. Resolves when its socket is closed; never rejects. */
  destroy(): Promise<void>;
  /** Finds out why the server closed it before it was of use; gives the error back when there is nothing to find. */
  explain?(error: unknown): Promise<unknown>;
}

/** Makes connections. */
export interface RedisDriver {
  /** Where they lead, without credentials: `127.0.0.1:6379`. */
  readonly address: string;
  /** What no error may tell. */
  readonly secrets: readonly string[];
  /** Begins a connection. A promise while the library is loaded; rejects when it is not installed. */
  connect(events: RedisLinkEvents): RedisLink | Promise<RedisLink>;
}

/**
 * Waits until a connection takes commands. When it rejects the connection is ended.
 *
 * @param making A new connection, or what will be one.
 * @param signal Ends the wait, and the connection.
 * @param prepare What else it takes until the connection is of use.
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
