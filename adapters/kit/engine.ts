/**
 * What an adapter must tell about its engine. {@linkcode createEngineAdapter} does the rest.
 *
 * @module
 */

import type { AdapterData, AdapterStage } from "../adapter.ts";
import type { Failure } from "./failure.ts";
import type { OutgoingMessage, PublishResults } from "./outbox.ts";
import type { Identity } from "./shell.ts";

/** What a connection is for. A connection for both is the `"subscriber"`. */
export type Role = "publisher" | "subscriber";

/** The events of a connection. */
export interface LinkEvents {
  /**
   * A message has come on a subscribed channel.
   *
   * @param name The engine's name of the channel.
   * @param data The message in its envelope. Text may come as bytes in UTF-8.
   */
  onMessage(name: string, data: AdapterData): void;
  /** The engine has ended a subscription that was live. */
  onRefused(name: string, error: Error): void;
  /**
   * Messages were lost, or came only in part.
   *
   * @param name The engine's name of their channel; `undefined` if it may be any channel.
   * @param error Why.
   */
  onMissed(name: string | undefined, error: Error): void;
  /** The engine takes no messages for now, although the connection works. Messages wait as long as there is room. */
  onHeld(error: Error): void;
  /** The engine refuses a message, too late for the result of `publish`. */
  onPublishRefused(channel: string, error: Error): void;
  /** The engine knows that the process of another node has ended. */
  onNodeGone(nodeId: string): void;
  /** Data came that no hub has sent, and that belongs to no channel. */
  onForeign(): void;
  /** An error, or a warning, that no call waits for. One of a few texts. */
  onTrouble(stage: AdapterStage, what: string, cause?: Error): void;
  /** The connection is gone. */
  onLost(cause: unknown): void;
}

/** A dead connection, and why it counts as dead. */
export interface Verdict {
  readonly dead: Role;
  readonly cause: Error;
}

/**
 * One engine, for one adapter.
 *
 * A link is one connection. It never reconnects, queues, repeats or restores anything by itself. If the client
 * reconnects by itself, a link is the time from one connection to its loss. Then `destroy` ends the subscriptions of
 * the link, and `connect` waits until the client is connected again.
 *
 * @typeParam L A connection.
 */
export interface Engine<L> extends Identity {
  /**
   * Whether publishing needs its own connection, because a subscribing connection can do nothing else.
   *
   * @default {false}
   */
  readonly separatePublisher?: boolean;
  /**
   * Whether the engine carries only text. Then bytes are written in base64.
   *
   * @default {false}
   */
  readonly textOnly?: boolean;
  /** How many channels one command may name. */
  readonly batchSize: number;
  /**
   * The engine's name of a channel, prefix included. Different channels have different names.
   *
   * @throws {RangeError} If the engine cannot have a name for it.
   */
  nameOf(channel: string): string;
  /**
   * Connects. When it rejects, nothing is left behind.
   *
   * @param role What it is for.
   * @param nodeId The identity of this node.
   * @param events Called with the events of the link. After `destroy` they have no effect.
   * @param signal Aborted when the connection is not needed any more, or takes too long.
   */
  connect(role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<L>;
  /** Ends a connection at once, in any state. Resolves when it is closed; never rejects. */
  destroy(link: L): Promise<void>;
  /**
   * Subscribes to channels. When it resolves, messages that other nodes publish from then on arrive. Rejects when the
   * connection does not work.
   *
   * @returns For each channel the engine's refusal, if it refuses it.
   */
  subscribe(link: L, names: readonly string[]): Promise<readonly (Error | undefined)[] | void>;
  /** Ends subscriptions. When it resolves, no message of them comes any more. Rejects when the engine refuses. */
  unsubscribe(link: L, names: readonly string[]): Promise<void>;
  /** See `PublishBatch`. */
  publish(link: L, messages: readonly OutgoingMessage[]): PublishResults | Promise<PublishResults>;
  /**
   * Tests that the connections are alive and lead to each other: before they count as up, and at every interval. Also
   * ends when one of them is lost.
   *
   * @param publisher The connection that publishes.
   * @param subscriber The connection that subscribes; the same one, unless there are two.
   * @returns The dead connection, if one is dead.
   */
  probe(publisher: L, subscriber: L): Promise<Verdict | undefined>;
  /**
   * Says goodbye, and waits until all messages published before have arrived, if `publish` does not tell that. The
   * adapter limits the time.
   */
  drain?(link: L): Promise<void>;
  /** How many connections subscribe to a channel. */
  countListeners?(publisher: L, name: string): Promise<number | undefined>;
  /** See `Adapter.gauges`. */
  gauges?(): Readonly<Record<string, number>>;
  /**
   * Takes a message that is in no envelope, because another part of the adapter has published it: the history.
   *
   * @param channel The hub's name of the channel.
   * @param data The data that came.
   * @returns Whether it is such a message.
   */
  hear?(channel: string, data: AdapterData): boolean;
  /** Explains why a connection could not be made. */
  judge(cause: unknown): Failure;
}
