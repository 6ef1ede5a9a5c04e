/**
 * Histories in a store that all nodes share. Offsets and epochs are the same on all nodes. Delivery waits for the
 * append, and follows the order of the store.
 *
 * @module
 */

import type { HistoryStore, ReadOptions, StoredPage, StoredRecord } from "../../adapters/history_store.ts";
import { HubError, isHubError, parseNow, type Position } from "../../contract/mod.ts";
import type { Published, PublishOptions } from "../api/history.ts";
import { KeptMessage } from "../outbox/kept_message.ts";
import { isPromise, withDeadline } from "../backplane/deadline.ts";
import { appendInTime, uncertain, Waits } from "./append.ts";
import {
  type Histories,
  type HistoryTopic,
  keptOtherwise,
  SAME_CONTRACT,
  SAME_HISTORY,
  withHistory,
} from "./histories.ts";
import { RecentRecords } from "./recent_records.ts";
import { readRecord, spliced, writeRecord } from "./record.ts";
import { SameReads, SharedReads } from "./shared_reads.ts";
import { StoreFailures } from "./store_failures.ts";
import { TopicStream } from "./stream/topic_stream.ts";
import type { TopicParts } from "./topic_parts.ts";

/** How many messages may wait for the store, and how much text they may have, in UTF-16 units. */
const MAX_PENDING = 10_000;
const MAX_PENDING_LENGTH = 64 * 1024 * 1024;
/** How many topics each sweep compares with the store, to find lost messages. */
const CHECKS_PER_SWEEP = 64;
/** The limit of all recent messages that are kept for reconnecting clients, in bytes. */
const RECENT_BYTES = 16 * 1024 * 1024;
/** The most records in one read for reconnecting clients, and about how much text it should have, in UTF-16 units. */
const MAX_PAGE = 512;
const PAGE_LENGTH = 64 * 1024;
/** The longest position: an epoch has at most 64 characters. */
const LONGEST: Position = ["x".repeat(64), Number.MAX_SAFE_INTEGER];

/** The options of {@linkcode SharedHistories}. */
export interface SharedHistoriesOptions {
  /** The shared parts of topics. */
  readonly parts: TopicParts;
  /** The store of the messages. */
  readonly store: HistoryStore;
  /** How long an append or a read may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long a close waits for pending appends, in milliseconds. */
  readonly closeWaitMs: number;
}

interface Open {
  readonly stream: TopicStream;
  /** The reads for reconnecting clients. */
  readonly reads: SharedReads;
  /** Gives the share in the channel back. */
  release(): void;
}

/** The histories of a cluster, on one node. */
export class SharedHistories implements Histories {
  readonly #parts: TopicParts;
  readonly #store: HistoryStore;
  readonly #timeoutMs: number;
  readonly #closeWaitMs: number;
  /** The topics that have subscribers on this node, or will have them soon. */
  readonly #open = new Map<string, Open>();
  readonly #appends = new Set<Promise<unknown>>();
  readonly #recent: RecentRecords;
  readonly #reads = new SameReads();
  readonly #failures: StoreFailures;
  /** The appends that wait for the store. */
  readonly #waits = new Waits();
  #pendingLength = 0;

  /** @param options Its options. */
  constructor({ parts, store, timeoutMs, closeWaitMs }: SharedHistoriesOptions) {
    this.#parts = parts;
    this.#store = store;
    this.#timeoutMs = timeoutMs;
    this.#closeWaitMs = closeWaitMs;
    this.#recent = new RecentRecords(parts.clock, RECENT_BYTES);
    const report = (error: unknown, channel: string) => parts.onError(error, { stage: "delivery", channel });
    this.#failures = new StoreFailures(parts.clock, report);
    parts.backplane.on("rec", ([, epoch, offset, payload], from, channel) => {
      if (parts.catalog.byChannel(channel)?.history === undefined) {
        throw keptOtherwise(channel, `node ${from} keeps a history of it`, "keeps none", SAME_CONTRACT);
      }
      this.#heard(channel, [epoch, offset], () => payload);
    });
    const refuse = (_message: unknown, from: string, channel: string): never => {
      const theirs = `node ${from} keeps histories by itself`;
      throw keptOtherwise(channel, theirs, `keeps them in ${store.name}`, SAME_HISTORY);
    };
    parts.backplane.on("own", refuse);
    parts.backplane.on("once", refuse);
  }

  get transactions(): boolean {
    return this.#store.transactions === true;
  }

  get size(): number {
    return this.#open.size;
  }

  get pending(): number {
    return this.#appends.size;
  }

  /** Takes a message that the store itself delivers to the nodes. */
  delivered(channel: string, position: Position, data: string): void {
    try {
      this.#heard(channel, position, () => readRecord(data));
    } catch (error) {
      this.#parts.onError(error, { stage: "delivery", channel });
    }
  }

  publish(
    topic: HistoryTopic,
    data: string,
    { id: idempotencyKey, tx }: PublishOptions = {},
  ): Published | Promise<Published> {
    const { channel, name, history: { size, ttlMs = Infinity } } = topic;
    const { clock, backplane } = this.#parts;
    if (!this.#store.publishes && !backplane.solitary) {
      backplane.check(channel, spliced("rec", ...LONGEST, data));
    }
    if (this.#appends.size >= MAX_PENDING || this.#pendingLength + data.length > MAX_PENDING_LENGTH) {
      throw new HubError(
        "UNAVAILABLE",
        `Cannot publish on "${name}": ${this.#appends.size} messages wait for ${this.#store.name}`,
      );
    }
    if (tx) {
      // The store delivers it at the commit, if there is one.
      const options = { size, ttlMs, idempotencyKey, tx };
      const appended = Promise.try(() => this.#store.append(channel, data, options));
      this.#count(appended, data.length);
      return appended.then(([epoch, offset]) => ({ epoch, offset }));
    }
    // A kept message is delivered, also when the wait for it has ended with an error.
    let append: Position | Promise<Position>;
    const what = `a message of "${name}" in ${this.#store.name}`;
    const wait = { clock, timeoutMs: this.#timeoutMs, what, waits: this.#waits };
    let isKnown = idempotencyKey !== undefined && !this.#store.tellsKnown;
    const onKnown = () => void (isKnown = true);
    const answer = appendInTime(wait, (signal) => {
      append = this.#store.append(channel, data, { size, ttlMs, idempotencyKey, onKnown, signal });
      return append;
    });
    const stored = (position: Position) =>
      isKnown ? this.#storedBefore(topic, data, position) : this.#stored(topic, data, position);
    if (!isPromise(answer)) return stored(answer);
    // The message may be kept, so read the store now: the next message or sweep may be far away.
    const failed = (error: unknown): never => {
      if (!isHubError(error) || error.code === "UNCERTAIN") this.#open.get(channel)?.stream.catchUp();
      throw error;
    };
    const published = Promise.resolve(append!).then(stored, failed);
    this.#count(published, data.length);
    return Promise.resolve(answer).then(() => published, failed);
  }

  follow(topic: HistoryTopic): Position | Promise<Position> {
    const open = this.#open.get(topic.channel) ?? this.#create(topic);
    try {
      const position = this.#failures.watch(topic.channel, () => open.stream.start());
      if (!isPromise(position)) return position;
      return position.catch((error) => {
        this.#close(topic.channel, open);
        throw error;
      });
    } catch (error) {
      this.#close(topic.channel, open);
      throw error;
    }
  }

  position({ channel }: HistoryTopic): Position | undefined {
    return this.#open.get(channel)?.stream.position;
  }

  read({ name, channel }: HistoryTopic, options: ReadOptions = {}): StoredPage | Promise<StoredPage> {
    const what = `Cannot read the history of "${name}" in ${this.#store.name}`;
    const { since, limit, reverse } = options;
    const page = JSON.stringify([channel, since, limit, reverse]);
    const read = (signal: AbortSignal) => this.#store.read(channel, { ...options, signal });
    const inTime = () => withDeadline(this.#parts.clock, this.#timeoutMs, what, read);
    return this.#reads.read(page, () => this.#failures.watch(channel, inTime));
  }

  resume(topic: HistoryTopic, options: ReadOptions): StoredPage | Promise<StoredPage> {
    const { since, limit = Infinity } = options;
    const open = this.#open.get(topic.channel);
    if (!since || !open) return this.read(topic, options);
    const shown = (page: StoredPage) => open.stream.shown(since, page);
    const page = open.reads.read(since, limit);
    return isPromise(page) ? page.then(shown) : shown(page);
  }

  text(topic: HistoryTopic, record: StoredRecord): string {
    if (record instanceof KeptMessage) return record.data;
    return writeRecord(topic.name, this.payload(topic, record));
  }

  payload({ name, entry, form }: HistoryTopic, { data }: StoredRecord): unknown {
    return parseNow(entry.definition.payload, readRecord(data), form.what, name);
  }

  message(topic: HistoryTopic, record: StoredRecord): KeptMessage {
    if (record instanceof KeptMessage) return record;
    return topic.form.message(topic.name, record.offset, this.text(topic, record), record.ageMs);
  }

  missed(channels: Iterable<string> = this.#open.keys()): void {
    for (const channel of [...channels]) this.#open.get(channel)?.stream.catchUp();
  }

  refused({ channel }: HistoryTopic, from: string): never {
    throw keptOtherwise(channel, `node ${from} keeps no history of it`, "keeps one", SAME_CONTRACT);
  }

  released(channel: string): void {
    const open = this.#open.get(channel);
    if (open) this.#close(channel, open);
  }

  /** Compares a few topics with the store: the loss of a topic's last message shows in no other way. */
  sweep(): void {
    this.#store.sweep?.();
    const checked = [...this.#open].slice(0, CHECKS_PER_SWEEP);
    for (const [channel, open] of checked) {
      this.#open.delete(channel);
      this.#open.set(channel, open);
      open.stream.catchUp();
    }
  }

  async close(): Promise<void> {
    this.#failures.close();
    for (const [channel, open] of [...this.#open]) this.#close(channel, open);
    if (this.#appends.size === 0) return;
    const { promise: waitedLongEnough, resolve } = Promise.withResolvers<void>();
    const stop = this.#parts.clock.after(this.#closeWaitMs, resolve);
    await Promise.race([this.#settled(), waitedLongEnough]);
    stop();
    this.#waits.end(uncertain("the message", "the hub was closed before the store answered"));
  }

  /** Resolves when no append is pending. */
  async #settled(): Promise<void> {
    while (this.#appends.size > 0) await Promise.allSettled(this.#appends);
  }

  #count(append: Promise<unknown>, length: number): void {
    this.#appends.add(append);
    this.#pendingLength += length;
    const settled = () => {
      this.#appends.delete(append);
      this.#pendingLength -= length;
    };
    append.then(settled, settled);
  }

  /** A message of this node is kept: sends it to the other nodes and to the subscribers here. */
  #stored({ channel, name, form }: HistoryTopic, data: string, position: Position): Published {
    const [epoch, offset] = position;
    const { backplane } = this.#parts;
    if (!this.#store.publishes && !backplane.solitary) {
      backplane.publishText(channel, spliced("rec", epoch, offset, data));
    }
    const open = this.#open.get(channel);
    open?.stream.take(position, form.message(name, offset, data, 0), data.length);
    return { epoch, offset };
  }

  /**
   * A message with an id is kept, and the store may have had a message with this id before. Then the earlier message is
   * delivered, as the store has kept it.
   */
  #storedBefore(topic: HistoryTopic, data: string, position: Position): Published {
    const [epoch, offset] = position;
    if (this.#store.publishes || this.#parts.backplane.solitary) {
      // The store sends it to the other nodes. This node reads it: one read gives all such messages.
      this.#open.get(topic.channel)?.stream.catchUp(position);
      return { epoch, offset };
    }
    const deliver = ({ position: [now], records: [record] }: StoredPage) => {
      if (now !== epoch) return;
      // If the record has left the store, the published data is used: readers have no other data for this offset.
      this.#stored(topic, record?.offset === offset ? record.data : data, position);
    };
    // If this read fails, the message comes with the next message or the next sweep.
    try {
      const page = this.read(topic, { since: [epoch, offset - 1], limit: 1 });
      if (isPromise(page)) this.#count(page.then(deliver), data.length);
      else deliver(page);
    } catch (error) {
      this.#parts.onError(error, { stage: "delivery", channel: topic.channel });
    }
    return { epoch, offset };
  }

  /** Takes a kept message of another node. */
  #heard(channel: string, position: Position, payload: () => unknown): void {
    const open = this.#open.get(channel);
    const topic = open && withHistory(this.#parts.catalog.byChannel(channel));
    if (!topic) return;
    const at = open!.stream.position;
    if (at?.[0] === position[0] && position[1] <= at[1]) return; // most often a message of this node itself
    const { name, entry, form } = topic;
    try {
      const data = writeRecord(name, parseNow(entry.definition.payload, payload(), form.what, name));
      open!.stream.take(position, form.message(name, position[1], data, 0), data.length);
    } catch (error) {
      open!.stream.take(position, undefined, 0);
      throw error;
    }
  }

  #create(topic: HistoryTopic): Open {
    const { channel, name, form } = topic;
    const { clock, registry, backplane, onError } = this.#parts;
    const stream = new TopicStream({
      channel,
      clock,
      store: this.#store,
      timeoutMs: this.#timeoutMs,
      deliver: (message) => {
        this.#recent.add(topic, stream.position!, message);
        form.deliver(registry, channel, message);
      },
      gap: (position) => form.gap(registry, channel, name, position),
      message: (record) => this.message(topic, record),
      delivered: (position) => this.#recent.get(channel, position)?.data,
      onError: (error) => onError(error, { stage: "delivery", channel }),
    });
    const wasLive = backplane.solitary || backplane.interest.isLive(channel);
    // With `startWithoutBackplane` the channel may go live later.
    const { release } = backplane.interest.keep(channel, () => wasLive || stream.catchUp());
    const open = { stream, reads: this.#readsOf(topic, stream), release };
    this.#open.set(channel, open);
    return open;
  }

  /** Makes the reads for clients that come back to a topic. They share what was read. */
  #readsOf(topic: HistoryTopic, stream: TopicStream): SharedReads {
    const ready = (page: StoredPage): StoredPage => {
      const { position, records } = page;
      const isFollowed = this.#open.get(topic.channel)?.stream === stream;
      const known = stream.position;
      if (isFollowed && known && known[0] !== position[0]) stream.catchUp(); // the store has a new epoch
      return {
        ...page,
        records: records.map((record) => {
          try {
            const message = this.message(topic, record);
            if (isFollowed && known?.[0] === position[0] && message.offset > known[1] - topic.history.size) {
              this.#recent.add(topic, [position[0], message.offset], message);
            }
            return message;
          } catch {
            return record; // the client that gets to it gets the error
          }
        }),
      };
    };
    return new SharedReads({
      known: (since, limit) => {
        const { position } = stream;
        return position && this.#recent.page(topic, since, limit, position);
      },
      read: (since, limit) => {
        const page = this.read(topic, { since, limit });
        return isPromise(page) ? page.then(ready) : ready(page);
      },
      pageSize: (limit) => {
        const average = this.#recent.averageLength(topic.channel);
        if (average === undefined) return limit;
        return Math.max(limit, Math.min(MAX_PAGE, Math.floor(PAGE_LENGTH / Math.max(1, average))));
      },
    });
  }

  #close(channel: string, open: Open): void {
    if (this.#open.get(channel) === open) {
      this.#open.delete(channel);
      this.#recent.drop(channel);
    }
    open.stream.close();
    open.release();
  }
}
