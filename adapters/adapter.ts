/**
 * The adapter seam: server ↔ server. An adapter carries messages between nodes and nothing else; the hub delivers to
 * the connections of its own node by itself, whatever the state of the backplane.
 *
 * @module
 */

import type { AsyncDisposing } from "../contract/mod.ts";
import type { HistoryStore } from "./history_store.ts";
import type { PresenceStore } from "./presence_store.ts";

/** Which operation of an adapter an error belongs to. */
export type AdapterStage = "open" | "subscribe" | "unsubscribe" | "publish" | "delivery" | "close";

/** What an error of an adapter belongs to. */
export interface AdapterErrorInfo {
  /** The operation. */
  readonly stage: AdapterStage;
  /** The channel, where it is known. */
  readonly channel?: string;
  /** How many messages were dropped of which this tells, as no hub has sent them; the health page counts them. */
  readonly foreign?: number;
}

/** What a message between nodes is made of. Both arrive as they were sent: text as text, bytes as bytes. */
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
   * @param info What it belongs to.
   */
  onError(error: Error, info: AdapterErrorInfo): void;
  /**
   * Reports that the backplane is reachable, or not. Before the first call it counts as down. Say `"up"` again after
   * a break only when every subscription is live again, but for those whose refusal was reported. After a break the hub
   * takes it that messages of every channel were missed.
   */
  onStatus(status: "up" | "down"): void;
  /**
   * Reports that messages of some channels may have been missed though the status is the same: the part of the
   * backplane that carries them has moved. Call it when those channels are live again, and not for what a
   * break loses.
   *
   * @param channels The channels, as the hub named them; without, all that are subscribed.
   */
  onGap(channels?: readonly string[]): void;
  /**
   * Reports that another node is gone for good without having said goodbye, where the backplane knows: its process has
   * ended. Then nobody waits for its timeout. Optional; call it after the last message of that node.
   *
   * @param nodeId The node.
   */
  onNodeGone?(nodeId: string): void;
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
 * - **`subscribe` waits.** While the backplane is away it neither fails nor resolves: it waits until the backplane is
 *   back, its signal is aborted, or the adapter is closed. How long is the hub's business. It rejects at once when the
 *   backplane refuses the channel, when it will never be back, and before `open` and after `close`.
 * - **A rejected `open` is final.** The adapter has closed itself then: it holds no connection and no timer, tries
 *   nothing more and reports nothing more. Every other call does what it does after `close`. To try again, create
 *   another adapter.
 * - **Recovery is the adapter's.** After the backplane was away, all subscriptions are live again without a call.
 * - **`publish` never throws for the backplane's sake.** What goes wrong after the call goes to `onError`.
 * - **Isolation.** A `prefix` keeps applications apart on one backplane. What is foreign or malformed is dropped and
 *   reported with stage `"delivery"`.
 * - **Ownership.** `close` closes what the adapter opened, and leaves a client that it was given open.
 *
 * `@trunkline/hub/conformance` proves all of it for any adapter.
 */
export interface Adapter extends AsyncDisposing {
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
   * Who is where, kept in one place for all nodes, where the engine can do that. Optional; used by hubs that ask for
   * `presence: "central"`. It answers between `open` and `close`.
   */
  readonly presence?: PresenceStore;
  /**
   * Connects. Called once, before anything but `close`.
   *
   * @param context The node's identity and the callbacks.
   * @param options What ends the wait.
   * @returns Resolves when the backplane is up; rejects with one clear error when it refuses (wrong password,
   * protocol), and when the adapter's library is not installed. While it is merely unreachable an adapter keeps trying
   * until `close`, or until the signal is aborted. Once `open` has resolved its signal means nothing any more.
   */
  open(context: AdapterContext, options?: AdapterWaitOptions): Promise<void>;
  /**
   * Starts delivery of a channel; waits for a backplane that is away.
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
   * Counts the nodes that listen to a channel, this one included. Optional, for engines that know: a node that starts
   * then knows for how many others to wait, and that it is alone.
   *
   * @param channel A channel that is subscribed.
   * @returns May count a node that has just died; `undefined` when the engine cannot tell now.
   */
  countListeners?(channel: string): Promise<number | undefined>;
  /**
   * What the adapter knows of the backplane's state, by name, for the health page: how full a queue is, how many bytes
   * wait. Optional. Read whenever somebody asks for the page, at any moment, also before `open` and after `close`; so it
   * answers at once from what is known, asks nobody, and never throws.
   *
   * @returns Finite numbers. What is not known now is left out; what was known before a break of the backplane is not
   * known during it.
   */
  gauges?(): Readonly<Record<string, number>>;
  /** Disconnects; whatever was published before is sent first where that is possible. Idempotent, never rejects. */
  close(): Promise<void>;
}
