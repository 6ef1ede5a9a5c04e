/**
 * Topics with history, for the rest of the hub. Each node keeps the messages for itself (`NodeHistories`), or all nodes
 * share a store (`SharedHistories`).
 *
 * @module
 */

import type { ReadOptions, StoredPage, StoredRecord } from "../../adapters/history_store.ts";
import { HubError, type Position } from "../../contract/mod.ts";
import type { Published, PublishOptions } from "../api/history.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { HistoryTopic, Topic } from "./catalog.ts";

export type { HistoryTopic } from "./catalog.ts";

/** The histories of a hub's topics. Positions are the same as clients see. */
export interface Histories {
  /** The number of open histories on this node. */
  readonly size: number;
  /** How many messages wait for the store. */
  readonly pending: number;
  /** Whether messages may be published within transactions. */
  readonly transactions: boolean;
  /**
   * Keeps a message, then delivers it to the subscribers of this node and to the other nodes.
   *
   * @param topic The topic.
   * @param data The payload, as `writeRecord` writes it.
   * @param options The idempotency key and the transaction; see `PublishOptions`.
   * @throws {HubError} `TOO_LARGE`, `UNAVAILABLE` or `UNCERTAIN`. A promise rejects with the same errors.
   */
  publish(topic: HistoryTopic, data: string, options?: PublishOptions): Published | Promise<Published>;
  /**
   * Returns the position of the subscribers on this node. The next message to them comes right after it. The topic's
   * channel must be live, and the caller must hold a share in it.
   */
  follow(topic: HistoryTopic): Position | Promise<Position>;
  /** The present position of these subscribers, after `follow`; `undefined` when `follow` must be called again. */
  position(topic: HistoryTopic): Position | undefined;
  /** Reads a history. */
  read(topic: HistoryTopic, options?: ReadOptions): StoredPage | Promise<StoredPage>;
  /**
   * Reads the records after a position, the oldest first, for a client that then follows the topic on this node. The
   * page's position may be that of this node's subscribers, which can be behind the store. The page may have fewer
   * records than the limit, even if there are more.
   */
  resume(topic: HistoryTopic, options: ReadOptions): StoredPage | Promise<StoredPage>;
  /**
   * The payload of a record for subscribers, as `writeRecord` writes it.
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
   * The message of a record, for subscribers.
   *
   * @throws {HubError} When it does not fit the contract of this node.
   */
  message(topic: HistoryTopic, record: StoredRecord): OutgoingMessage;
  /**
   * Messages of other nodes may have been missed.
   *
   * @param channels The channels; left out, all channels.
   */
  missed(channels?: readonly string[]): void;
  /**
   * Refuses a message from a node that keeps no history of the topic.
   *
   * @param topic The topic.
   * @param from The node.
   * @throws {HubError} `UNAVAILABLE`, always: the message is lost here.
   */
  refused(topic: HistoryTopic, from: string): never;
  /** No connection of this node holds the topic's channel any more. */
  released(channel: string): void;
  /** Frees what is no longer needed. */
  sweep(): void;
  /** Waits for pending appends, for a short time; then closes all histories. */
  close(): Promise<void>;
}

/** The topic, if it keeps history; else `undefined`. */
export function withHistory(topic: Topic | undefined): HistoryTopic | undefined {
  return topic?.history ? topic as HistoryTopic : undefined;
}

/**
 * Makes the error for a message that cannot be delivered, because its node keeps the topic in another way than this
 * node.
 *
 * @param channel The topic's channel.
 * @param theirs How the other node keeps it: `node 1 keeps no history of it`.
 * @param ours How this node keeps it: `keeps one`.
 * @param give What to change.
 */
export function keptOtherwise(channel: string, theirs: string, ours: string, give: string): HubError {
  const what = `Cannot deliver a message on "${channel}"`;
  return new HubError("UNAVAILABLE", `${what}: ${theirs}, and this node ${ours}. ${give}`);
}

/** The advice when only some nodes declare the history of a topic. */
export const SAME_CONTRACT =
  "Give every node the same contract. While nodes have different contracts, messages are lost";

/** The advice when only some nodes have a shared store. */
export const SAME_HISTORY = "Give every node of the cluster the same history";
