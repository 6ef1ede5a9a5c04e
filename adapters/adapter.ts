/**
 * The interface between the hub and its adapter (server ↔ server). An adapter carries messages between nodes, and does
 * nothing else. Each hub itself delivers to the connections of its own node, even if the backplane is down.
 *
 * @module
 */

import type { AsyncDisposing } from "../contract/mod.ts";
import type { HistoryStore } from "./history_store.ts";
import type { PresenceStore } from "./presence_store.ts";

/** The operation of an adapter that an error belongs to. */
export type AdapterStage = "open" | "subscribe" | "unsubscribe" | "publish" | "delivery" | "close";

/** The operation and the channel that an error of an adapter belongs to. */
export interface AdapterErrorInfo {
  /** The operation. */
  readonly stage: AdapterStage;
  /** The channel, if it is known. */
  readonly channel?: string;
  /** How many foreign messages (not from a hub) were dropped. The health page counts them. */
  readonly foreign?: number;
}

/** The data of a message between nodes. It arrives as it was sent: text as text, bytes as bytes. */
export type AdapterData = string | Uint8Array<ArrayBuffer>;

/** How long to wait for a backplane. */
export interface AdapterWaitOptions {
  /** Ends the wait: the call then rejects with the signal's reason, and leaves nothing behind. */
  readonly signal?: AbortSignal;
}

/** What the hub gives an adapter when it opens it. The callbacks never throw. */
export interface AdapterContext {
  /** The identity of this node, unique among all nodes at all times. */
  readonly nodeId: string;
  /**
   * Hands over a message of another node. Call it once per message and subscription. For each publisher and channel,
   * keep the order in which the publisher published.
   *
   * @param channel The channel, as the hub named it.
   * @param data The message.
   * @param from The node that published it; never this node's own id.
   */
  deliver(channel: string, data: AdapterData, from: string): void;
  /**
   * Reports an error, also one that no call waits for: a publish that failed, a foreign message on a channel.
   *
   * @param error What happened. Its message names the adapter and the address, never a secret.
   * @param info The operation and the channel.
   */
  onError(error: Error, info: AdapterErrorInfo): void;
  /**
   * Reports whether the backplane is reachable. Before the first call the backplane counts as down. After a break, say
   * `"up"` only when every subscription is live again; subscriptions whose refusal was reported do not count. After a
   * break the hub assumes that messages of every channel were missed.
   */
  onStatus(status: "up" | "down"): void;
  /**
   * Reports that messages of some channels may have been missed although the status is the same. The reason: the part
   * of the backplane that carries these channels has moved. Call it when the channels are live again. Do not call it
   * for messages that a break loses.
   *
   * @param channels The channels, as the hub named them. Without it: all subscribed channels.
   */
  onGap(channels?: readonly string[]): void;
  /**
   * Reports that the process of another node has ended without a goodbye, if the backplane knows this. The hub then
   * does not wait for the timeout of that node. Optional. Call it after the last message of that node.
   *
   * @param nodeId The node.
   */
  onNodeGone?(nodeId: string): void;
}

/**
 * Carries messages between the nodes of a cluster over a backplane.
 *
 * What an implementation must guarantee:
 *
 * - **Remote only.** An adapter does no local delivery: a node never gets its own messages back.
 * - **Order.** Messages of one node on one channel arrive everywhere in the order in which the node published them.
 *   Across publishers or channels no order is promised.
 * - **At most once.** A message may be lost while the backplane is away. It is never delivered twice.
 * - **`subscribe` means live.** When its promise resolves, every message that another node publishes from then on
 *   arrives. When it rejects, nothing is left behind. The hub counts references: for one channel, an adapter sees
 *   `subscribe` and `unsubscribe` in turn, never two calls at once.
 * - **`subscribe` waits.** While the backplane is away, `subscribe` stays pending: until the backplane is back, its
 *   signal is aborted, or the adapter is closed. The hub decides how long. It rejects at once when the backplane
 *   refuses the channel, when the backplane will never be back, before `open`, and after `close`.
 * - **A rejected `open` is final.** The adapter has then closed itself: it holds no connection and no timer, tries
 *   nothing more and reports nothing more. Every other call behaves as after `close`. To try again, create another
 *   adapter.
 * - **The adapter recovers by itself.** After the backplane was away, all subscriptions are live again without a call.
 * - **`publish` never throws because of the backplane.** Errors after the call go to `onError`.
 * - **Isolation.** A `prefix` keeps applications apart on one backplane. The adapter drops foreign or malformed
 *   messages, and reports them with stage `"delivery"`.
 * - **Ownership.** `close` closes what the adapter opened. A client that the adapter was given stays open.
 *
 * `@trunkline/hub/conformance` tests all of this for any adapter.
 */
export interface Adapter extends AsyncDisposing {
  /** The kind of adapter, for errors and the health page: `"memory"`, `"redis"`. */
  readonly name: string;
  /**
   * The largest message that `publish` takes, in bytes. The hub refuses larger messages at the publisher with
   * `TOO_LARGE`. Absent: the adapter has no limit of its own.
   */
  readonly maxMessageBytes?: number;
  /**
   * Whether the adapter can never reach another node. If so, the hub does not encode messages for it.
   *
   * @default {false}
   */
  readonly solitary?: boolean;
  /**
   * Histories that all nodes share, if the engine keeps them. Optional. The hub uses them unless it is given another
   * store.
   */
  readonly history?: HistoryStore;
  /**
   * Central presence for all nodes, if the engine can keep it. Optional. Hubs with `presence: "central"` use it. It
   * works between `open` and `close`.
   */
  readonly presence?: PresenceStore;
  /**
   * Connects. The hub calls it once, before every other call except `close`.
   *
   * @param context The node's identity and the callbacks.
   * @param options What ends the wait.
   * @returns Resolves when the backplane is up. Rejects with one clear error when the backplane refuses (wrong
   * password, wrong protocol), and when the adapter's library is not installed. While the backplane is only
   * unreachable, the adapter keeps trying until `close`, or until the signal is aborted. After `open` has resolved, its
   * signal has no effect.
   */
  open(context: AdapterContext, options?: AdapterWaitOptions): Promise<void>;
  /**
   * Starts delivery of a channel. Waits while the backplane is away.
   *
   * @param channel Any text: spaces, `*`, `:` and all of Unicode.
   * @param options What ends the wait.
   */
  subscribe(channel: string, options?: AdapterWaitOptions): Promise<void>;
  /**
   * Ends delivery of a channel.
   *
   * @param channel A channel that is subscribed.
   */
  unsubscribe(channel: string): Promise<void>;
  /**
   * Sends a message to the other nodes that subscribe to the channel. Returns at once.
   *
   * @param channel Any text.
   * @param data The message.
   */
  publish(channel: string, data: AdapterData): void;
  /**
   * Counts the nodes that listen to a channel, this one included. Optional, for engines that know the number. So a
   * starting node knows how many others it must wait for, or that it is alone.
   *
   * @param channel A channel that is subscribed.
   * @returns The number. It may include a node that has just died. `undefined` when the engine cannot tell now.
   */
  countListeners?(channel: string): Promise<number | undefined>;
  /**
   * What the adapter knows of the backplane's state, by name, for the health page: how full a queue is, how many bytes
   * wait. Optional. The health page may read it at any moment, also before `open` and after `close`. So it answers at
   * once from what is known, makes no request, and never throws.
   *
   * @returns Finite numbers. Unknown values are left out. During a break of the backplane, values from before the break
   * are unknown.
   */
  gauges?(): Readonly<Record<string, number>>;
  /** Disconnects. Before that it sends the messages published so far, if it can. Idempotent, never rejects. */
  close(): Promise<void>;
}
