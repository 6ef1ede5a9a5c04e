/**
 * The adapter seam: server ↔ server. An adapter carries messages between nodes and nothing else; the hub delivers to
 * the connections of its own node by itself, whatever the state of the backplane.
 *
 * @module
 */

import type { HistoryStore } from "./history_store.ts";

/** Which operation of an adapter an error belongs to. */
export type AdapterStage = "open" | "subscribe" | "unsubscribe" | "publish" | "delivery" | "close";

/** What a message between nodes is made of. Both arrive as they were sent: text as text, bytes as bytes. */
export type AdapterData = string | Uint8Array<ArrayBuffer>;

/** What the hub gives an adapter when it opens it. The callbacks never throw. */
export interface AdapterContext {
  /** The identity of this node, unique among all nodes at all times. */
  readonly nodeId: string;
  /**
   * Hands over a message of another node. Call it once per message and subscription, in the order in which its
   * publisher published on that channel.
   *
   * @param channel The channel, as the hub named it.
   * @param data The message.
   * @param from The node that published it; never this node's own id.
   */
  deliver(channel: string, data: AdapterData, from: string): void;
  /**
   * Reports what went wrong, also what nobody waits for: a publish that failed, a foreign message on a channel.
   *
   * @param error What happened; its message names the adapter and the address, never a secret.
   * @param info The stage, and the channel where it is known.
   */
  onError(error: Error, info: { readonly stage: AdapterStage; readonly channel?: string }): void;
  /**
   * Reports that the backplane is reachable, or not. Before the first call it counts as down. Say `"up"` again after
   * a break only when every subscription is live again.
   */
  onStatus(status: "up" | "down"): void;
}

/**
 * Carries messages between the nodes of a cluster over some backplane.
 *
 * What an implementer must keep:
 *
 * - **Remote only.** No local delivery; a node never gets its own messages back.
 * - **Order.** What one node publishes on one channel arrives everywhere in that order. Across publishers or channels
 *   nothing is promised.
 * - **At most once.** A message may be lost while the backplane is away; it is never delivered twice.
 * - **`subscribe` means live.** When its promise resolves, whatever another node publishes from then on arrives. When
 *   it rejects, nothing is left behind. It is the hub that counts references: an adapter sees one `subscribe` and one
 *   `unsubscribe` per channel in turn, never two at once for one channel.
 * - **Recovery is the adapter's.** After the backplane was away, all subscriptions are live again without a call.
 * - **`publish` never throws for the backplane's sake.** What goes wrong after the call goes to `onError`.
 * - **Isolation.** A `prefix` keeps applications apart on one backplane. What is foreign or malformed is dropped and
 *   reported with stage `"delivery"`.
 * - **Ownership.** `close` closes what the adapter opened, and leaves a client that it was given open.
 *
 * `@trunkline/hub/conformance` proves all of it for any adapter.
 */
export interface Adapter extends AsyncDisposable {
  /** What it is, for errors and the health page: `"memory"`, `"redis"`. */
  readonly name: string;
  /**
   * The largest message that `publish` takes, in bytes; the hub refuses larger ones at the publisher with
   * `TOO_LARGE`. Absent: no limit of its own.
   */
  readonly maxMessageBytes?: number;
  /**
   * Whether no other node can ever be reached: then the hub saves itself the encoding.
   *
   * @default {false}
   */
  readonly solitary?: boolean;
  /**
   * Histories that all nodes share, where the engine keeps them. Optional; the hub uses them unless it is given others.
   */
  readonly history?: HistoryStore;
  /**
   * Connects. Called once, before anything but `close`.
   *
   * @param context The node's identity and the callbacks.
   * @returns Resolves when the backplane is up; rejects with one clear error when it refuses (wrong password,
   * protocol). While it is merely unreachable an adapter keeps trying until `close`.
   */
  open(context: AdapterContext): Promise<void>;
  /**
   * Starts delivery of a channel.
   *
   * @param channel Any text: spaces, `*`, `:` and all of Unicode.
   */
  subscribe(channel: string): Promise<void>;
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
   * Counts the nodes that listen to a channel, this one included. Optional, for engines that know: a node that starts
   * then knows for how many others to wait, and that it is alone.
   *
   * @param channel A channel that is subscribed.
   * @returns May count a node that has just died; `undefined` when the engine cannot tell now.
   */
  countListeners?(channel: string): Promise<number | undefined>;
  /** Disconnects; whatever was published before is sent first where that is possible. Idempotent, never rejects. */
  close(): Promise<void>;
}
