/**
 * Histories that this node keeps for itself, in memory. Each history holds a share in its topic's channel, because it
 * must not miss the messages of other nodes.
 *
 * @module
 */

import type { ReadOptions, StoredPage, StoredRecord } from "../../adapters/history_store.ts";
import { parseNow, type Position } from "../../contract/mod.ts";
import type { Published, PublishOptions } from "../api/history.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import {
  type Histories,
  type HistoryTopic,
  keptOtherwise,
  SAME_CONTRACT,
  SAME_HISTORY,
  withHistory,
} from "./histories.ts";
import { type InstantStore, NodeLog } from "./node_log.ts";
import { readRecord, spliced, writeRecord } from "./record.ts";
import type { TopicParts } from "./topic_parts.ts";

/** Each time that there are too many histories, how many to check for one without subscribers. */
const EVICTION_SCAN = 32;

/** The options of {@linkcode NodeHistories}. */
export interface NodeHistoriesOptions {
  /** The shared parts of topics. */
  readonly parts: TopicParts;
  /** The store of the messages. */
  readonly store: InstantStore;
  /** How many histories are kept. Histories with subscribers are kept beyond this limit. */
  readonly max: number;
}

interface OpenLog {
  readonly topic: HistoryTopic;
  readonly log: NodeLog;
  release(): void;
}

/** A message of another node. */
interface Arrival {
  readonly from: string;
  readonly run: string;
  readonly number: number;
  /** The id that its publisher gave it. */
  readonly id?: string;
  readonly payload: unknown;
}

/** The histories of a node without a shared store. */
export class NodeHistories implements Histories {
  readonly pending = 0;
  readonly transactions = false;
  readonly #parts: TopicParts;
  readonly #store: InstantStore;
  readonly #max: number;
  /** The histories with appends, the one unused longest first. */
  readonly #kept = new Map<string, OpenLog>();
  /** The histories that were only read. Clients can make up names, so these take no room from the others. */
  readonly #asked = new Map<string, OpenLog>();

  /** The history that was used last. */
  #latest: OpenLog | undefined;

  /** @param options Its options. */
  constructor({ parts, store, max }: NodeHistoriesOptions) {
    this.#parts = parts;
    this.#store = store;
    this.#max = max;
    const { backplane, catalog } = parts;
    const receive = (channel: string, arrival: Arrival) => {
      const topic = catalog.byChannel(channel);
      if (!topic) return;
      const kept = withHistory(topic);
      if (kept) return this.#receive(kept, arrival);
      throw keptOtherwise(channel, `node ${arrival.from} keeps a history of it`, "keeps none", SAME_CONTRACT);
    };
    backplane.on(
      "own",
      ([, run, number, payload], from, channel) => receive(channel, { from, run, number, payload }),
    );
    backplane.on(
      "once",
      ([, run, number, id, payload], from, channel) => receive(channel, { from, run, number, id, payload }),
    );
    backplane.on("rec", (_message, from, channel) => {
      const theirs = `node ${from} keeps histories in a store`;
      throw keptOtherwise(channel, theirs, "keeps them by itself", SAME_HISTORY);
    });
    backplane.on("fin", ([, run, number], from, channel) => {
      const open = this.#get(channel);
      if (open && !open.log.arrivals.end(from, run, number)) this.#renew(open);
    });
  }

  get size(): number {
    return this.#kept.size + this.#asked.size;
  }

  publish(topic: HistoryTopic, data: string, { id }: PublishOptions = {}): Published {
    const { backplane, registry } = this.#parts;
    const open = this.#open(topic);
    const { log } = open;
    const number = log.sent + 1;
    const carried = backplane.solitary
      ? undefined
      : spliced(id === undefined ? "own" : "once", log.run, number, data, id);
    if (carried !== undefined) backplane.check(topic.channel, carried);
    const { offset, fresh } = log.append(data, id);
    const published = { epoch: log.position[0], offset };
    if (!fresh) return published;
    this.#keep(open);
    log.sent = number;
    // First, so that a client of a node that dies now finds the message on the next one.
    if (carried !== undefined) backplane.enqueue(topic.channel, carried);
    if (registry.has(topic.channel)) this.#deliver(topic, offset, data);
    return published;
  }

  follow(topic: HistoryTopic): Position {
    return this.#open(topic).log.position;
  }

  position(topic: HistoryTopic): Position {
    return this.#open(topic).log.position;
  }

  read(topic: HistoryTopic, options?: ReadOptions): StoredPage {
    return this.#open(topic).log.read(options);
  }

  resume(topic: HistoryTopic, options: ReadOptions): StoredPage {
    return this.read(topic, options);
  }

  text(_topic: HistoryTopic, { data }: StoredRecord): string {
    return data;
  }

  /**
   * The record was checked before it was kept. If the schema does not accept its own output, the value stays as it
   * is.
   */
  payload({ name, entry, form }: HistoryTopic, { data }: StoredRecord): unknown {
    const payload = readRecord(data);
    try {
      return parseNow(entry.definition.payload, payload, form.what, name);
    } catch {
      return payload;
    }
  }

  message({ name, form }: HistoryTopic, { offset, data }: StoredRecord): OutgoingMessage {
    return form.message(name, offset, data);
  }

  missed(channels?: readonly string[]): void {
    const missed = channels ? channels.map((channel) => this.#get(channel)) : this.#all();
    for (const open of missed) {
      open?.log.arrivals.clear();
      if (open) this.#renew(open);
    }
  }

  refused({ channel }: HistoryTopic, from: string): never {
    const open = this.#get(channel);
    if (open) this.#renew(open); // the dropped message is missing from the history
    throw keptOtherwise(channel, `node ${from} keeps no history of it`, "keeps one", SAME_CONTRACT);
  }

  released(): void {}

  sweep(): void {
    this.#store.sweep?.();
    for (const open of this.#all()) {
      if (!this.#isUsed(open) && open.log.empty) this.#forget(open);
    }
  }

  close(): Promise<void> {
    for (const { release } of this.#all()) release();
    this.#latest = undefined;
    this.#kept.clear();
    this.#asked.clear();
    return Promise.resolve();
  }

  #receive(topic: HistoryTopic, { from, run, number, id, payload }: Arrival): void {
    const open = this.#open(topic);
    if (!open.log.arrivals.take(from, run, number)) this.#renew(open);
    try {
      const data = writeRecord(
        topic.name,
        parseNow(topic.entry.definition.payload, payload, topic.form.what, topic.name),
      );
      const { offset, fresh } = open.log.append(data, id);
      if (!fresh) return; // this node has a message with this id
      this.#keep(open);
      this.#deliver(topic, offset, data);
    } catch (error) {
      this.#renew(open); // the dropped message is missing from the history
      throw error;
    }
  }

  #deliver({ channel, name, form }: HistoryTopic, offset: number, data: string): void {
    form.deliver(this.#parts.registry, channel, form.message(name, offset, data));
  }

  #all(): OpenLog[] {
    return [...this.#kept.values(), ...this.#asked.values()];
  }

  #get(channel: string): OpenLog | undefined {
    return this.#kept.get(channel) ?? this.#asked.get(channel);
  }

  /** Returns the history of a topic; makes it if it does not exist. Marks it as used last. */
  #open(topic: HistoryTopic): OpenLog {
    const { channel } = topic;
    if (this.#latest?.topic.channel === channel) return this.#latest; // messages of one topic often come in a row
    const kept = this.#kept.get(channel);
    const open = kept ?? this.#asked.get(channel) ?? this.#create(topic);
    const home = kept ? this.#kept : this.#asked;
    home.delete(channel);
    home.set(channel, open);
    if (home.size > this.#max) this.#evict(home, open);
    return this.#latest = open;
  }

  #create(topic: HistoryTopic): OpenLog {
    const { backplane: { interest, solitary } } = this.#parts;
    const { channel } = topic;
    const wasLive = solitary || interest.isLive(channel);
    const { release } = interest.keep(channel, () => wasLive || this.#renew(open));
    const open: OpenLog = { topic, log: new NodeLog(channel, this.#store, topic.history), release };
    return open;
  }

  /** Moves a history to the ones with appends. */
  #keep(open: OpenLog): void {
    const { channel } = open.topic;
    if (!this.#asked.delete(channel)) return;
    this.#kept.set(channel, open);
    if (this.#kept.size > this.#max) this.#evict(this.#kept, open);
  }

  /**
   * Forgets one history without subscribers. Histories with subscribers move to the end, so that the next scan skips
   * them.
   */
  #evict(home: Map<string, OpenLog>, except: OpenLog): void {
    let scanned = 0;
    for (const [channel, open] of home) {
      if (open !== except && !this.#isUsed(open)) return this.#forget(open);
      if (++scanned > EVICTION_SCAN) return;
      home.delete(channel);
      home.set(channel, open);
    }
  }

  #isUsed({ topic: { channel } }: OpenLog): boolean {
    return this.#parts.registry.holds(channel);
  }

  #renew({ topic: { name, channel, form }, log }: OpenLog): void {
    log.renew();
    form.gap(this.#parts.registry, channel, name, log.position);
  }

  /** Forgets a history and its count of messages. Tells the other nodes, so that the next run is no gap for them. */
  #forget({ topic: { channel }, log, release }: OpenLog): void {
    this.#kept.delete(channel);
    this.#asked.delete(channel);
    if (this.#latest?.log === log) this.#latest = undefined;
    if (log.sent > 0) this.#parts.backplane.publish(channel, ["fin", log.run, log.sent]);
    release();
  }
}
