/**
 * What the rest of the hub sees of topics with history, wherever their messages are kept: by each node for itself
 * (`NodeHistories`), or in a store that all nodes share (`SharedHistories`).
 *
 * @module
 */

import type { ReadOptions, StoredPage, StoredRecord } from "../../adapters/history_store.ts";
import { HubError, type Position } from "../../contract/mod.ts";
import type { Published, PublishOptions } from "../api/history.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { HistoryTopic, Topic } from "./catalog.ts";

export type { HistoryTopic } from "./catalog.ts";

/** The histories of a hub's topics. Positions are those that clients know. */
export interface Histories {
  /** How many topics' histories this node keeps track of. */
  readonly size: number;
  /** How many messages wait for their store. */
  readonly pending: number;
  /** Whether messages may be published within transactions. */
  readonly transactions: boolean;
  /**
   * Keeps a message, then delivers it: to the subscribers of this node, and to the other nodes.
   *
   * @param topic The topic.
   * @param data The payload, as `writeRecord` made it.
   * @param options The idempotency key and the transaction; see `PublishOptions`.
   * @throws {HubError} `TOO_LARGE`, `UNAVAILABLE` or `UNCERTAIN`; it rejects with them where it waits.
   */
  publish(topic: HistoryTopic, data: string, options?: PublishOptions): Published | Promise<Published>;
  /**
   * Where the subscribers of this node stand: what is delivered to them next comes right after it. The topic's channel
   * must be live and held.
   */
  follow(topic: HistoryTopic): Position | Promise<Position>;
  /** Where they stand now, once `follow` has answered; `undefined` when it has to be called again. */
  position(topic: HistoryTopic): Position | undefined;
  /** Reads what is kept. */
  read(topic: HistoryTopic, options?: ReadOptions): StoredPage | Promise<StoredPage>;
  /**
   * Reads what comes after a position, the oldest first, for somebody who is to hear what subscribers of this node hear: the
   * page may stand where they do, behind the store, and may have fewer records than the limit though there are more.
   */
  resume(topic: HistoryTopic, options: ReadOptions): StoredPage | Promise<StoredPage>;
  /**
   * The payload of a record as subscribers are sent it, as `writeRecord` writes it.
   *
   * @throws {HubError} When it does not fit the contract of this node.
   */
  text(topic: HistoryTopic, record: StoredRecord): string;
  /**
   * The payload of a record.
   *
   * @throws {HubError} When it does not fit the contract of this node.
   */
  payload(topic: HistoryTopic, record: StoredRecord): unknown;
  /**
   * What subscribers are sent of a record.
   *
   * @throws {HubError} When it does not fit the contract of this node.
   */
  message(topic: HistoryTopic, record: StoredRecord): OutgoingMessage;
  /**
   * Messages of other nodes may have been missed.
   *
   * @param channels On these channels; left out: on all.
   */
  missed(channels?: readonly string[]): void;
  /**
   * Another node has published as if the topic kept no history.
   *
   * @param topic The topic.
   * @param from The node.
   * @throws {HubError} `UNAVAILABLE`, always: the message is lost here.
   */
  refused(topic: HistoryTopic, from: string): never;
  /** Nobody on this node holds a topic's channel any more. */
  released(channel: string): void;
  /** Lets go of what is not needed any more. */
  sweep(): void;
  /** Waits for what is on its way to the store, for a moment; then forgets everything. */
  close(): Promise<void>;
}

/** A topic as one that keeps history, if it does. */
export function withHistory(topic: Topic | undefined): HistoryTopic | undefined {
  return topic?.history ? topic as HistoryTopic : undefined;
}

/**
 * What to say of a message of a node that keeps a topic in another way than this one: it cannot be delivered.
 *
 * @param channel The topic's channel.
 * @param theirs How that node keeps it: `node 1 keeps no history of it`.
 * @param ours How this node does.
 * @param give What to do about it.
 */
export function keptOtherwise(channel: string, theirs: string, ours: string, give: string): HubError {
  const what = `Cannot deliver a message on "${channel}"`;
  return new HubError("UNAVAILABLE", `${what}: ${theirs}, and this node ${ours}. ${give}`);
}

/** For nodes of which some declare the history of a topic. */
export const SAME_CONTRACT =
  "Give every node the same contract; while you deploy one that differs, messages get lost";

/** For nodes of which some have a shared store. */
export const SAME_HISTORY = "Give every node of the cluster the same history";
