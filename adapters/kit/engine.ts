/**
 * What an adapter has to know of its engine; {@linkcode createEngineAdapter} does the rest.
 *
 * @module
 */

import type { AdapterData, AdapterStage } from "../adapter.ts";
import type { Failure } from "./failure.ts";
import type { OutgoingMessage, PublishResults } from "./outbox.ts";
import type { Identity } from "./shell.ts";

/**
 * What a connection is for. Where one connection does both it is the `"subscriber"`.
 */
export type Role = "publisher" | "subscriber";

/** What a connection tells. */
export interface LinkEvents {
  /**
   * A message has come on a channel that it subscribes to.
   *
   * @param name The engine's name of the channel.
   * @param data The message in its envelope; text may come as bytes in UTF-8.
   */
  onMessage(name: string, data: AdapterData): void;
  /** The engine ends a subscription that was live. */
  onRefused(name: string, error: Error): void;
  /**
   * Messages have come in part only, or not at all.
   *
   * @param name The engine's name of their channel; `undefined` when it may be any.
   * @param error Why.
   */
  onMissed(name: string | undefined, error: Error): void;
  /** The engine takes no messages for now, though the connection is well: they wait, as far as there is room. */
  onHeld(error: Error): void;
  /** The engine refuses a message, and says so too late for the result of its publish. */
  onPublishRefused(channel: string, error: Error): void;
  /** The process of another node has ended, as the engine knows. */
  onNodeGone(nodeId: string): void;
  /** Something came that no hub has sent, on no channel in particular. */
  onForeign(): void;
  /** Something that nobody waits for is wrong, or soon will be; one of a few texts. */
  onTrouble(stage: AdapterStage, what: string, cause?: Error): void;
  /** The connection is gone. */
  onLost(cause: unknown): void;
}

/** A connection that is dead, and why. */
export interface Verdict {
  readonly dead: Role;
  readonly cause: Error;
}

/**
 * One engine, as one adapter uses it.
 *
 * A link is one connection, which lives once: it never reconnects, queues, repeats or restores anything by itself. Of a client
 * that does, a link is the time from one connection to its loss: `destroy` then ends the subscriptions of the link, and
 * `connect` waits until the client is connected again.
 *
 * @typeParam L A connection.
 */
export interface Engine<L> extends Identity {
  /**
   * Whether publishing takes a connection of its own, because one that subscribes can do nothing else.
   *
   * @default {false}
   */
  readonly separatePublisher?: boolean;
  /**
   * Whether it carries only text: then bytes are written in base64.
   *
   * @default {false}
   */
  readonly textOnly?: boolean;
  /** How many channels one command names at the most. */
  readonly batchSize: number;
  /**
   * The engine's name of a channel, prefix included. Different channels have different names.
   *
   * @throws {RangeError} If the engine takes none for it.
   */
  nameOf(channel: string): string;
  /**
   * Makes a connection. When it rejects nothing is left behind.
   *
   * @param role What it is for.
   * @param nodeId The identity of this node.
   * @param events Whom to tell. Nothing of a link that was destroyed is listened to.
   * @param signal Aborted when the connection is not wanted any more, or takes too long.
   */
  connect(role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<L>;
  /** Ends a connection at once, in whatever state it is. Resolves when it is closed; never rejects. */
  destroy(link: L): Promise<void>;
  /**
   * Subscribes to channels: whatever another node publishes from then on arrives. Rejects when the connection is of no
   * use.
   *
   * @returns Of each channel why the engine refuses it, if it does.
   */
  subscribe(link: L, names: readonly string[]): Promise<readonly (Error | undefined)[] | void>;
  /** Ends subscriptions: nothing comes any more. Rejects when the engine refuses. */
  unsubscribe(link: L, names: readonly string[]): Promise<void>;
  /** See `PublishBatch`. */
  publish(link: L, messages: readonly OutgoingMessage[]): PublishResults | Promise<PublishResults>;
  /**
   * Asks whether the connections live, and lead to each other: before they count as up, and at every interval. Ends when one
   * of them is lost, too.
   *
   * @param publisher The connection that publishes.
   * @param subscriber The connection that subscribes; the same, unless there are two.
   * @returns Which is dead, if one is.
   */
  probe(publisher: L, subscriber: L): Promise<Verdict | undefined>;
  /**
   * Says goodbye, and waits until all that was published before has arrived, where its publish does not tell that.
   * Limited in time by the adapter.
   */
  drain?(link: L): Promise<void>;
  /** How many connections subscribe to a channel. */
  countListeners?(publisher: L, name: string): Promise<number | undefined>;
  /** See `Adapter.gauges`. */
  gauges?(): Readonly<Record<string, number>>;
  /**
   * Takes a message that another part of the adapter has published, and that is in no envelope: of a history.
   *
   * @param channel What the hub calls the channel.
   * @param data What came.
   * @returns Whether it is one.
   */
  hear?(channel: string, data: AdapterData): boolean;
  /** Puts what a connection could not be made for into words. */
  judge(cause: unknown): Failure;
}
