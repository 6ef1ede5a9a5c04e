/**
 * Topics: publishing, messages of other nodes, and history.
 *
 * @module
 */

import type { HistoryStore } from "../../adapters/history_store.ts";
import { readHistoryQuery } from "../../contract/history/history_query.ts";
import { HubError, parseNow } from "../../contract/mod.ts";
import type { HistoryPage, HistoryQuery, Published, PublishOptions } from "../api/history.ts";
import { DROPPABLE, OutgoingMessage, type Urgency } from "../outbox/outgoing_message.ts";
import type { AppCalls } from "../connection/app_calls.ts";
import type { Topic } from "./catalog.ts";
import { encodeBus } from "../backplane/bus_wire.ts";
import { isPromise } from "../backplane/deadline.ts";
import { type Histories, type HistoryTopic, withHistory } from "./histories.ts";
import { NodeHistories } from "./node_histories.ts";
import type { InstantStore } from "./node_log.ts";
import { writeRecord } from "./record.ts";
import { SharedHistories } from "./shared_histories.ts";
import type { TopicParts } from "./topic_parts.ts";

/** How long a close waits for pending appends, in milliseconds. */
const CLOSE_WAIT_MS = 1_000;

/** The options of {@linkcode Topics}. */
export interface TopicsOptions extends TopicParts {
  /** The store that all nodes share, if there is one. */
  readonly shared: HistoryStore | undefined;
  /** The warning to report when there is no shared store; see `keptApart`. */
  readonly apart?: HubError;
  /** Makes the store of this node alone. Called when there is no shared store. */
  ownStore(): InstantStore;
  /** How many histories this node keeps for itself. */
  readonly maxHistories: number;
  /** How long a shared store may take to answer, in milliseconds. */
  readonly storeTimeoutMs: number;
  /**
   * How long a close waits for pending appends to a shared store, in milliseconds.
   *
   * @default {1_000}
   */
  readonly closeWaitMs?: number;
  /** The identity of this node. */
  readonly nodeId: string;
}

/** The topics of a hub. */
export class Topics {
  /** The histories of topics. */
  readonly histories: Histories;
  readonly #options: TopicsOptions;
  readonly #openStore: () => void | Promise<void>;
  #closed = false;

  /** @param options Its options. */
  constructor(options: TopicsOptions) {
    this.#options = options;
    const { backplane, catalog, shared, nodeId, onError } = options;
    if (shared) {
      const histories = new SharedHistories({
        parts: options,
        store: shared,
        timeoutMs: options.storeTimeoutMs,
        closeWaitMs: options.closeWaitMs ?? CLOSE_WAIT_MS,
      });
      this.histories = histories;
      this.#openStore = () =>
        shared.open?.({
          nodeId,
          deliver: (channel, position, data) => histories.delivered(channel, position, data),
          onError: (error, { channel }) => onError(error, { stage: "delivery", channel }),
        });
    } else {
      this.histories = new NodeHistories({
        parts: options,
        store: options.ownStore(),
        max: options.maxHistories,
      });
      this.#openStore = () => {};
    }
    backplane.on("pub", ([, payload], from, channel) => {
      const topic = catalog.byChannel(channel);
      if (!topic) return;
      const kept = withHistory(topic);
      if (kept) this.histories.refused(kept, from);
      this.#deliver(topic, this.#parse(topic, payload));
    });
  }

  /** Opens the shared store, or reports that there is none. */
  async open(): Promise<void> {
    await this.#openStore();
    const { apart, onError } = this.#options;
    if (apart) onError(apart, { stage: "open" });
  }

  /** Whether any topic keeps history. */
  get keepsHistory(): boolean {
    return this.#options.catalog.keepsHistory;
  }

  /** See `Catalog.find`. */
  find(name: string, role?: string): Topic {
    return this.#options.catalog.find(name, role);
  }

  /** Publishes a message; see `Hub.publish` and `RoleScope.publish`. */
  publish(
    topic: Topic,
    payload: unknown,
    options: PublishOptions = {},
  ): Published | Promise<Published> | undefined {
    const parsed = this.#parse(topic, payload);
    const kept = withHistory(topic);
    if (kept) return this.keep(kept, parsed, options);
    const { backplane } = this.#options;
    if (backplane.solitary) {
      this.#deliver(topic, parsed);
      return void backplane.toNobody(topic.channel);
    }
    const carried = encodeBus(["pub", parsed]);
    backplane.check(topic.channel, carried);
    this.#deliver(topic, parsed);
    backplane.enqueue(topic.channel, carried);
    return undefined;
  }

  /** Keeps and delivers a payload that is already parsed; see `Histories.publish`. */
  keep(topic: HistoryTopic, parsed: unknown, options: PublishOptions = {}): Published | Promise<Published> {
    const { name } = topic;
    if (this.#closed) throw new HubError("UNAVAILABLE", `Cannot publish on "${name}": the hub is closed`);
    if (options.tx && !this.histories.transactions) throw noTransactions(name);
    return this.histories.publish(topic, writeRecord(name, parsed), options);
  }

  /** Finds a room that keeps history. */
  room(name: string): HistoryTopic | undefined {
    return this.#options.catalog.room(name);
  }

  /** The reads of shared topics, or of a role's own topics, for the application; see `HistoryReader`. */
  reader(calls: AppCalls, role?: string) {
    return {
      history: (name: string, query?: HistoryQuery): Promise<HistoryPage> =>
        calls.run(name, () => this.history(this.find(name, role), readHistoryQuery(query))),
      position: (name: string): Promise<Published> =>
        calls.run(name, () => this.position(this.find(name, role))),
    };
  }

  /** Reads a topic's history; see `Hub.history`. */
  async history(topic: Topic, query: HistoryQuery = {}): Promise<HistoryPage> {
    const kept = this.#kept(topic);
    const { since, limit, reverse } = query;
    const answer = this.histories.read(kept, {
      since: since && [since.epoch, since.offset],
      limit: limit! < 1e15 ? limit : undefined, // stores cannot count much further
      reverse,
    });
    const { position: [epoch, last], complete, records } = isPromise(answer) ? await answer : answer;
    return {
      epoch,
      last,
      complete,
      records: records.map((record) => ({
        offset: record.offset,
        payload: this.histories.payload(kept, record),
      })),
    };
  }

  /** Reads the last position of a topic's history; see `Hub.position`. */
  async position(topic: Topic): Promise<Published> {
    const { position: [epoch, offset] } = await this.histories.read(this.#kept(topic), { limit: 0 });
    return { epoch, offset };
  }

  /** Waits for pending appends for a short time, then closes the store. Never rejects. */
  async close(): Promise<void> {
    const { shared, nodeId, onError } = this.#options;
    this.#closed = true;
    await this.histories.close();
    try {
      await shared?.close?.(nodeId);
    } catch (error) {
      onError(error, { stage: "close" });
    }
  }

  #kept(topic: Topic): HistoryTopic {
    const kept = withHistory(topic);
    if (kept) return kept;
    throw new HubError("NOT_FOUND", `Topic "${topic.name}" keeps no history: declare it in the contract`);
  }

  #parse(topic: Topic, payload: unknown): unknown {
    return parseNow(topic.entry.definition.payload, payload, "topic", topic.name);
  }

  /** Delivers to the subscribers of this node. */
  #deliver({ channel, name, entry }: Topic, parsed: unknown): undefined {
    const { registry } = this.#options;
    if (!registry.has(channel)) return undefined; // in a cluster, most subscribers are on other nodes
    const how = urgency(channel, parsed, entry.definition.conflate);
    registry.deliver(channel, new OutgoingMessage(["pub", name, parsed], how));
    return undefined;
  }
}

function noTransactions(topic: string): TypeError {
  return new TypeError(
    `Cannot publish on "${topic}" within a transaction: the store of its history has no transactions. Use ` +
      "createPostgresAdapter() and its history",
  );
}

/** Decides which later message replaces this one in the queue of a slow connection. */
function urgency(channel: string, payload: unknown, conflate: boolean | string | undefined): Urgency {
  if (!conflate) return DROPPABLE;
  if (conflate === true) return { droppable: true, conflateKey: channel };
  const value = propertyOf(payload, conflate);
  switch (typeof value) {
    case "string":
      return { droppable: true, conflateKey: `${channel}\n"${value}` };
    case "number":
    case "bigint":
    case "boolean":
    case "undefined":
      return { droppable: true, conflateKey: `${channel}\n${value}` };
    default:
      // Other values are no keys, because their `toString` may do anything, and throw.
      return value === null ? { droppable: true, conflateKey: `${channel}\nnull` } : DROPPABLE;
  }
}

/** A property of a payload. If its getter throws, the payload is refused later, when it is encoded. */
function propertyOf(payload: unknown, name: string): unknown {
  try {
    return (payload as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  } catch {
    return payload;
  }
}
