/**
 * Histories in NATS JetStream. See docs/decisions.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { Position } from "../../../contract/mod.ts";
import type {
  AppendOptions,
  HistoryContext,
  HistoryStore,
  ReadOptions,
  StoredPage,
} from "../../history_store.ts";
import { pauseMs } from "../../kit/backoff.ts";
import { orAborted } from "../../kit/or_aborted.ts";
import type { NatsClient, NatsMessage } from "../client.ts";
import { encodeToken } from "../subject.ts";
import { Appender } from "./appender.ts";
import { decodeBatch } from "./batch.ts";
import type { StreamSettings } from "./config.ts";
import { CODES, isGone, NOBODY, RefusedError, storeError, UnansweredError, UnfitError } from "./errors.ts";
import { JetStream } from "./jet_stream.ts";
import { LogStream, type Memory } from "./log_stream.ts";
import { precedence } from "./order.ts";
import { readChannel } from "./reader.ts";
import { Sweeper } from "./sweeper.ts";
import { TopicLog } from "./topic_log.ts";

/** How many batches and keys to remember over all channels: about 100 bytes each. */
const MAX_ENTRIES = 1_000_000;
/** How many channels to remember. */
const MAX_CHANNELS = 10_000;
/** JetStream's code while it elects a leader, which does not take long. */
const NOT_AVAILABLE = 10008;
/** How often to retry while there are too few servers for all replicas. */
const MAX_FORMING = 6;

/** Options of {@linkcode NatsHistory}. */
export interface NatsHistoryParts {
  readonly stream: StreamSettings;
  /** The start of JetStream's API: `$JS.API`. */
  readonly api: string;
  readonly clock: Clock;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long after its last message a channel is forgotten, in milliseconds. */
  readonly forgetAfterMs: number;
}

interface Channel {
  readonly log: TopicLog;
  readonly appender: Appender;
  /** How many of its entries are in `#entries`. */
  counted: number;
}

/** The store of one node, over the present connection. */
export class NatsHistory implements HistoryStore {
  readonly name = "nats";
  readonly publishes: boolean;
  readonly tellsKnown = true;
  readonly #parts: NatsHistoryParts;
  readonly #sweeper: Sweeper;
  readonly #memory: Memory = { life: "", seq: 0 };
  /** The channel that was used longest ago comes first. */
  readonly #channels = new Map<string, Channel>();
  #entries = 0;
  #stream: LogStream | undefined;
  #context: HistoryContext | undefined;
  #sweeping: Promise<void> | undefined;
  #removeFailed = false;
  #closed = false;
  #wake = () => {};

  /** @param parts The parts. */
  constructor(parts: NatsHistoryParts) {
    this.#parts = parts;
    this.publishes = parts.stream.publishes;
    this.#sweeper = new Sweeper({ ...parts, wall: this.#wall });
  }

  /**
   * There is a connection now.
   *
   * @param client The connection.
   * @param nodeId The node of the connection.
   */
  attach(client: NatsClient, nodeId: string): void {
    const { stream, api, clock, timeoutMs } = this.#parts;
    this.detach(new Error("there is another connection"));
    const inbox = stream.subjects.aside(`re.${encodeToken(nodeId)}.${crypto.randomUUID().slice(0, 8)}`);
    this.#stream = new LogStream(
      new JetStream({ client, inbox, api, clock, timeoutMs }),
      stream,
      this.#memory,
    );
    this.#wake();
  }

  /** The connection is gone. */
  detach(cause: Error): void {
    this.#stream?.jetStream.end(cause);
    this.#stream = undefined;
    for (const { log } of this.#channels.values()) log.doubt();
  }

  /** The server does not permit to publish on a subject. Returns whether the subject belongs to this store. */
  denied(subject: string): boolean {
    return this.#stream?.jetStream.denied(subject) ?? false;
  }

  /**
   * The server has published a kept message.
   *
   * @param channel The channel.
   * @param message The message.
   * @returns Whether it comes from a hub.
   */
  heard(channel: string, { data, headers }: NatsMessage): boolean {
    const batch = decodeBatch(data);
    const [seq, subject] = [Number(headers?.get("Nats-Sequence")), headers?.get("Nats-Subject") ?? ""];
    if (!batch || !(seq > 0)) return false;
    const log = this.#channels.get(channel)?.log;
    const order = precedence(headers);
    if (order?.isLate) {
      log?.passed(subject, seq, order.before);
      return true;
    }
    if (order?.isAlone) log?.doubt(); // the topic was forgotten, or the stream is another one
    else log?.wrote(subject, { seq, at: this.#wall(), batch });
    if (!this.#context || batch.node === this.#context.nodeId) return true;
    batch.records.forEach((record, i) => {
      this.#context!.deliver(channel, [batch.epoch, batch.first + i], record, batch.node);
    });
    return true;
  }

  async open(context: HistoryContext): Promise<void> {
    this.#context = context;
    for (let failures = 0; !this.#closed; failures++) {
      try {
        return void await this.#streamOfNow().ready();
      } catch (cause) {
        if (!isPassing(cause) && !(isForming(cause) && failures < MAX_FORMING)) {
          throw new Error(`Cannot keep histories in NATS JetStream: ${(cause as Error).message}`, { cause });
        }
        await this.#pause(failures);
      }
    }
  }

  async append(channel: string, data: string, options: AppendOptions): Promise<Position> {
    const used = this.#use(channel);
    try {
      return await used.appender.append(data, options);
    } finally {
      this.#used(channel, used);
    }
  }

  async read(channel: string, options: ReadOptions = {}): Promise<StoredPage> {
    const { signal } = options;
    signal?.throwIfAborted();
    try {
      return await orAborted(this.#read(channel, options), signal);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const what = `Cannot read the history of "${channel}" in NATS JetStream`;
      throw storeError(what, error instanceof UnansweredError ? new RefusedError(error.message) : error);
    }
  }

  sweep(): void {
    if (this.#closed || !this.#context || !this.#stream) return;
    this.#sweeping ??= this.#sweeper.sweep(this.#stream).then(
      () => this.#removed(),
      (error) => this.#removed(error),
    )
      .finally(() => this.#sweeping = undefined);
  }

  close(): void {
    this.#closed = true;
    this.#context = undefined;
    this.#wake();
  }

  /** Old messages were removed, or a removal has failed. A failure is reported once, until a removal works again. */
  #removed(error?: Error): void {
    // Errors of the connection and of the stream are reported elsewhere.
    if (error instanceof UnansweredError || isGone(error)) return;
    if (error && !this.#removeFailed) {
      const what = "Cannot remove old messages from NATS JetStream";
      this.#context?.onError(new Error(`${what}: ${error.message}`, { cause: error }), {});
    }
    this.#removeFailed = error !== undefined;
  }

  readonly #wall = (): number => this.#parts.clock.wall?.() ?? Date.now();

  async #read(channel: string, options: ReadOptions): Promise<StoredPage> {
    const used = this.#use(channel);
    const read = () => readChannel(used.log, this.#streamOfNow(), this.#wall(), options);
    try {
      return await read();
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#stream?.renew();
      return await read();
    } finally {
      this.#used(channel, used);
    }
  }

  #streamOfNow(): LogStream {
    if (this.#closed) throw new RefusedError("it is closed");
    if (!this.#stream) throw new RefusedError("it is not connected");
    return this.#stream;
  }

  /** The channel's parts. Nothing stays of an empty channel that is only read. */
  #use(name: string): Channel {
    let channel = this.#channels.get(name);
    if (channel) this.#channels.delete(name);
    else {
      const log = new TopicLog(name);
      channel = { log, appender: this.#createAppender(log), counted: 0 };
    }
    this.#channels.set(name, channel);
    return channel;
  }

  #createAppender(log: TopicLog): Appender {
    return new Appender({
      log,
      nodeId: () => this.#context?.nodeId ?? "",
      clock: this.#parts.clock,
      stream: () => this.#streamOfNow(),
      wall: this.#wall,
      onTrimmed: (error) => this.#removed(error),
    });
  }

  /** A channel was used. */
  #used(name: string, channel: Channel): void {
    this.#entries += channel.log.size - channel.counted;
    channel.counted = channel.log.size;
    if (channel.log.size === 0) this.#forget(name, channel);
    for (const [other, { appender }] of this.#channels) {
      if (this.#channels.size <= MAX_CHANNELS && this.#entries <= MAX_ENTRIES) break;
      if (appender.idle) this.#forget(other, this.#channels.get(other)!);
    }
  }

  #forget(name: string, channel: Channel): void {
    if (!channel.appender.idle || this.#channels.get(name) !== channel) return;
    this.#entries -= channel.counted;
    this.#channels.delete(name);
  }

  async #pause(failures: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(pauseMs(failures), resolve);
    this.#wake = resolve;
    await promise;
    cancel();
  }
}

/** Whether the cluster has too few servers for the replicas. This may be so for a moment after a start. */
function isForming(error: unknown): boolean {
  return error instanceof RefusedError && error.code === CODES.fewPeers;
}

/** Whether a retry may help. */
function isPassing(error: unknown): boolean {
  if (error instanceof UnansweredError) return true;
  return error instanceof RefusedError && !(error instanceof UnfitError) &&
    (error.code === undefined || error.code === NOBODY || error.code === NOT_AVAILABLE);
}
