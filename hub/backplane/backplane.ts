/**
 * The hub's side of the adapter. It opens the adapter and publishes; a broken backplane never makes a publish throw.
 * It batches the messages that one turn sends to a channel. It passes each message that arrives to the handler of its
 * kind.
 *
 * @module
 */

import type { Adapter } from "../../adapters/adapter.ts";
import type { PresenceStore } from "../../adapters/presence_store.ts";
import { callSafely, type Clock, exceedsUtf8, HubError, systemClock, utf8Size } from "../../contract/mod.ts";
import { type BusMessage, type BusMessageOf, decodeBus, encodeBus } from "./bus_wire.ts";
import type { HubErrorInfo } from "../api/options.ts";
import { CLUSTER_CHANNEL, nodeChannel, PRESENCE_CHANNEL } from "./channels.ts";
import { Drops } from "../connection/drops.ts";
import { readGauges } from "./gauges.ts";
import { Interest } from "./interest.ts";

/** A batch longer than this, in UTF-16 units, is sent before the turn ends. It does not limit the size of a message. */
const MAX_BATCH_LENGTH = 64 * 1024;

/** The options of {@linkcode Backplane}. */
export interface BackplaneOptions {
  /** The adapter. The backplane owns it from now on. */
  readonly adapter: Adapter;
  /** The identity of this node. */
  readonly nodeId: string;
  /** How long a subscribe may take, in milliseconds. */
  readonly subscribeTimeoutMs: number;
  /** The clock: for timeouts, and for the ends of turns. */
  readonly clock?: Clock;
  /** Called with every error. */
  onError(error: unknown, info: HubErrorInfo): void;
  /** Called when the backplane becomes reachable or unreachable. */
  onStatus(status: "up" | "down"): void;
  /** Called with the channels that may have missed messages; see `AdapterContext.onGap`. */
  onGap(channels: readonly string[] | undefined): void;
  /** Called when the adapter knows that the process of a node has ended. */
  onNodeGone(nodeId: string): void;
  /** Called with the id of the sender, for every message that arrives. */
  onHeard(from: string): void;
  /**
   * Whether a connection can join a channel at once while the backplane is down. It then gets messages of other nodes
   * only when the backplane is back.
   *
   * @default {false}
   */
  readonly dispensable?: boolean;
  /**
   * Whether the adapter keeps the messages that are published before it is open.
   *
   * @default {false}
   */
  readonly early?: boolean;
}

type Handler<K extends BusMessage[0]> = (message: BusMessageOf<K>, from: string, channel: string) => void;

interface Batch {
  readonly messages: string[];
  length: number;
}

const NOTHING = () => {};

/** The backplane, for the rest of the hub. */
export class Backplane {
  /** The channels that this node listens to. */
  readonly interest: Interest;
  readonly #options: BackplaneOptions;
  readonly #clock: Clock;
  readonly #handlers = new Map<string, (message: BusMessage, from: string, channel: string) => void>();
  readonly #batches = new Map<string, Batch>();
  #status: "up" | "down" = "down";
  #since: number;
  /** The last error of the adapter's connection since it was up. */
  #reason: string | undefined;
  readonly #drops: Drops;
  #malformed = 0;
  #opened = false;
  /** Whether the adapter failed to open. It has then closed itself, or another hub uses it. */
  #refused = false;
  #closed = false;
  /** Whether a message was published after the close. */
  #wasLate = false;

  /** @param options Its options. */
  constructor(options: BackplaneOptions) {
    const { adapter, clock = systemClock, subscribeTimeoutMs: timeoutMs, dispensable = false } = options;
    this.#options = options;
    this.#clock = clock;
    this.#since = clock.now();
    this.#opened = options.early === true;
    this.#drops = new Drops(clock, (error, channel, count) => {
      options.onError(error, { stage: "delivery", channel, ...(count > 1 && { count }) });
    });
    this.interest = new Interest({
      adapter,
      clock,
      timeoutMs,
      held: true,
      optional: () => dispensable && this.#status === "down",
      onError: (error, stage, channel) => options.onError(error, { stage, channel }),
    });
  }

  /** The adapter's name. */
  get name(): string {
    return this.#options.adapter.name;
  }

  /** The presence store of the adapter, if it has one. */
  get presence(): PresenceStore | undefined {
    return this.#options.adapter.presence;
  }

  /** Whether the backplane is reachable. */
  get status(): "up" | "down" {
    return this.#status;
  }

  /** Why the backplane is down: the last error of the adapter. */
  get reason(): string | undefined {
    return this.#status === "down" ? this.#reason : undefined;
  }

  /** Whether this node is always the only one. */
  get solitary(): boolean {
    return this.#options.adapter.solitary === true;
  }

  /** The size limit of a message, in bytes. */
  get maxMessageBytes(): number {
    return this.#options.adapter.maxMessageBytes ?? Infinity;
  }

  /** How many messages of other nodes this node dropped because it could not read them. */
  get malformed(): number {
    return this.#malformed;
  }

  /** The adapter's gauges of the backplane. Values that are not numbers are left out. Never throws. */
  get gauges(): Readonly<Record<string, number>> {
    return readGauges(this.#options.adapter);
  }

  /** When the status last changed, by the clock. */
  get since(): number {
    return this.#since;
  }

  /** How many channels this node listens to, without its own channel and the cluster's. */
  get channels(): number {
    const own = [CLUSTER_CHANNEL, PRESENCE_CHANNEL, nodeChannel(this.#options.nodeId)];
    return this.interest.size - own.filter((channel) => this.interest.has(channel)).length;
  }

  /** How many messages wait for the end of the turn. */
  get pending(): number {
    return this.#batches.size;
  }

  /**
   * Connects.
   *
   * @throws The error of the adapter's `open`.
   */
  async open(): Promise<void> {
    const { adapter, nodeId, onError, onStatus, onGap, onNodeGone } = this.#options;
    try {
      await adapter.open({
        nodeId,
        onError: (error, { foreign, ...info }) => {
          if (foreign !== undefined) this.#malformed += foreign; // the adapter could not read these and dropped them
          // An error without a channel is about the connection.
          else if (info.channel === undefined) this.#reason = error.message;
          onError(error, info);
        },
        deliver: (channel, data, from) => this.#deliver(channel, data, from),
        onStatus: (status) => {
          if (status === this.#status || this.#closed) return;
          this.#status = status;
          this.#since = this.#clock.now();
          if (status === "up") {
            this.#reason = undefined;
            this.interest.retry();
          }
          onStatus(status);
        },
        onGap: (channels) => {
          if (!this.#closed) onGap(channels);
        },
        onNodeGone: (nodeId) => {
          if (!this.#closed) onNodeGone(nodeId);
        },
      });
    } catch (error) {
      this.#reason = error instanceof Error ? error.message : String(error);
      this.#refused = true;
      throw error;
    }
    this.#opened = true;
    this.interest.begin();
  }

  /**
   * Asks the backplane how many nodes listen to a channel, this one included.
   *
   * @param channel The channel.
   * @returns `undefined` when the backplane does not know. Never rejects.
   */
  async countListeners(channel: string): Promise<number | undefined> {
    try {
      return await this.#options.adapter.countListeners?.(channel);
    } catch {
      return undefined; // as from an adapter that cannot count: the caller has another way
    }
  }

  /**
   * Sets the handler of a kind of message. Each kind has one handler.
   *
   * @param kind The kind.
   * @param handler Its errors are reported with stage `"delivery"`. They do not affect other messages.
   */
  on<K extends BusMessage[0]>(kind: K, handler: Handler<K>): void {
    this.#handlers.set(
      kind,
      handler as unknown as (message: BusMessage, from: string, channel: string) => void,
    );
  }

  /**
   * Sends a message to the other nodes that listen to a channel. All messages of this turn to a channel go together.
   *
   * @param channel The channel.
   * @param message The message.
   * @throws {HubError} `TOO_LARGE` when the message is beyond the adapter's limit; `BAD_REQUEST` when a payload is
   * not JSON. A broken backplane never makes it throw.
   */
  publish(channel: string, message: BusMessage): void {
    this.prepare(channel, message)();
  }

  /**
   * Does the part of `publish` that can throw.
   *
   * @param channel The channel.
   * @param message The message.
   * @returns A function that sends the message; it does not throw.
   */
  prepare(channel: string, message: BusMessage): () => void {
    if (this.solitary) return this.#closed ? () => this.toNobody(channel) : NOTHING;
    const text = encodeBus(message);
    this.check(channel, text);
    return () => this.enqueue(channel, text);
  }

  /**
   * Does the part of `publish` that can throw, for a message to several channels.
   *
   * @param channels The channels, in the order of sending.
   * @param message The message.
   * @returns A function that sends the message; it does not throw.
   */
  prepareAll(channels: readonly string[], message: BusMessage): () => void {
    const [first] = channels;
    if (first === undefined) return NOTHING;
    if (this.solitary) return this.#closed ? () => this.toNobody(first) : NOTHING;
    const text = encodeBus(message);
    this.check(first, text);
    return () => {
      for (const channel of channels) this.enqueue(channel, text);
    };
  }

  /**
   * Publishes an encoded message.
   *
   * @param channel The channel.
   * @param text The message, as `encodeBus` writes it.
   * @throws {HubError} `TOO_LARGE` when the message is beyond the adapter's limit.
   */
  publishText(channel: string, text: string): void {
    this.check(channel, text);
    this.enqueue(channel, text);
  }

  /**
   * Checks the size of an encoded message.
   *
   * @throws {HubError} `TOO_LARGE` when the message is beyond the adapter's limit.
   */
  check(channel: string, text: string): void {
    const { maxMessageBytes } = this;
    const room = maxMessageBytes - 2; // for the brackets of the list
    if (exceedsUtf8(text, room)) {
      const bytes = utf8Size(text);
      throw new HubError(
        "TOO_LARGE",
        `Cannot publish ${bytes} bytes on "${channel}": ${this.name} takes at most ${maxMessageBytes}`,
        { data: { bytes, maxBytes: maxMessageBytes } },
      );
    }
  }

  /** Sends an encoded message that was checked, with the others of this turn. Does not throw. */
  enqueue(channel: string, text: string): void {
    if (this.#closed) return this.#tooLate(channel);
    const maxLength = Math.min(MAX_BATCH_LENGTH, this.maxMessageBytes / 3);
    let batch = this.#batches.get(channel);
    if (batch && batch.length + text.length > maxLength) {
      this.#send(channel, batch);
      this.#batches.delete(channel);
      batch = undefined;
    }
    if (!batch) {
      batch = { messages: [], length: 2 };
      if (this.#batches.size === 0) this.#clock.endOfTurn(() => this.#flush());
      this.#batches.set(channel, batch);
    }
    batch.messages.push(text);
    batch.length += text.length + 1;
  }

  /** Stands for a publish while this node is always the only one. Like a publish, it reports that the hub is closed. */
  toNobody(channel: string): void {
    if (this.#closed) this.#tooLate(channel);
  }

  /**
   * Sends all waiting messages now, if one of them is for these channels. The caller then sends one message to all
   * these channels. On one channel, it must not overtake an earlier message that still waits on another.
   */
  flush(channels: readonly string[]): void {
    if (channels.some((channel) => this.#batches.has(channel))) this.#flush();
  }

  /** Sends the waiting messages, then disconnects. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.interest.close();
    this.#flush();
    this.#closed = true;
    this.#status = "down";
    this.#drops.close();
    if (this.#refused) return;
    try {
      await this.#options.adapter.close();
    } catch (error) {
      this.#options.onError(error, { stage: "close" });
    }
  }

  /** A caller may publish for ever after the hub is closed, so only the first time is reported. */
  #tooLate(channel: string): void {
    if (this.#wasLate) return;
    this.#wasLate = true;
    const what =
      `Cannot publish on "${channel}": the hub is closed. Later messages are lost too, without a report`;
    this.#options.onError(new HubError("UNAVAILABLE", what), { stage: "publish", channel });
  }

  #flush(): void {
    for (const [channel, batch] of this.#batches) this.#send(channel, batch);
    this.#batches.clear();
  }

  #send(channel: string, { messages }: Batch): void {
    callSafely(() => {
      if (!this.#opened) {
        throw new HubError("UNAVAILABLE", `Cannot publish on "${channel}" before ${this.name} is open`);
      }
      return this.#options.adapter.publish(channel, `[${messages.join(",")}]`);
    }, (error) => this.#options.onError(error, { stage: "publish", channel }));
  }

  #deliver(channel: string, data: string | Uint8Array, from: string): void {
    if (this.#closed) return;
    this.#options.onHeard(from);
    const drop = (error: unknown) => {
      this.#malformed++;
      this.#drops.add(error, channel);
    };
    try {
      for (const message of decodeBus(data, drop)) {
        try {
          this.#handlers.get(message[0])?.(message, from, channel);
        } catch (error) {
          drop(error);
        }
      }
    } catch (error) {
      drop(error);
    }
  }
}
