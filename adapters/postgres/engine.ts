/**
 * The engine for PostgreSQL, with LISTEN and NOTIFY. Each node has two connections, so that a large publish does not
 * delay incoming messages.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { HubError } from "../../contract/errors.ts";
import { exceedsUtf8, utf8Size } from "../../contract/values/utf8_size.ts";
import type { AdapterData } from "../adapter.ts";
import { Chunks } from "../kit/chunks.ts";
import type { Engine, LinkEvents, Role, Verdict } from "../kit/engine.ts";
import { encodeTextEnvelope } from "../kit/envelope.ts";
import type { Failure } from "../kit/failure.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { nameOf, type NotifyChannels, partitionOf } from "./channels.ts";
import type { Connection, Dialer } from "./connection.ts";
import { postgresFailure } from "./errors.ts";
import { readStored } from "./history/statement.ts";
import { PostgresStore } from "./history/store.ts";
import type { HistorySettings } from "./history/options.ts";
import { Listening } from "./listening.ts";
import { Probe } from "./probe.ts";
import { Packer, Publishing } from "./publishing.ts";
import { askWithin, ended, markIn, onlyAnswer, type PostgresTransaction } from "./transaction.ts";

/** Options of {@linkcode PostgresEngine}. */
export interface PostgresEngineOptions {
  readonly dialer: Dialer;
  readonly channels: NotifyChannels;
  readonly clock: Clock;
  readonly probeTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly connectTimeoutMs: number;
  readonly history: HistorySettings;
}

/** One of the two connections, with its subscriptions or publishes. */
export interface Link {
  readonly role: Role;
  readonly connection: Connection;
  readonly listening: Listening;
  readonly publishing: Publishing;
}

/** How full the notify queue must be before it is reported, and by how much it must grow before the next report. */
const QUEUE_ALARM = 0.5;
const QUEUE_STEP = 0.1;

const NOT_SHARED =
  "Ignored a message of a history that this node does not share; give every node of the cluster the same history:";

/** How much of incomplete large messages is kept, as a multiple of the largest message. */
const HELD_MESSAGES = 4;

/** The engine of one adapter. */
export class PostgresEngine implements Engine<Link> {
  readonly name = "postgres";
  readonly title = "PostgreSQL";
  readonly separatePublisher = true;
  readonly textOnly = true;
  readonly batchSize = 1_000;
  readonly maxMessageBytes: number;
  readonly history: PostgresStore;
  readonly #dialer: Dialer;
  readonly #channels: NotifyChannels;
  readonly #chunks: Chunks;
  readonly #packer: Packer;
  readonly #probe: Probe;
  #events: LinkEvents | undefined;
  #nodeId: string | undefined;
  #nextAlarm = QUEUE_ALARM;
  /** How full the notify queue was at the last probe of the current connections. */
  #queueShare: number | undefined;

  /** @param options The options. */
  constructor(options: PostgresEngineOptions) {
    const { dialer, channels, clock, probeTimeoutMs, maxMessageBytes, connectTimeoutMs, history } = options;
    this.maxMessageBytes = maxMessageBytes;
    this.#dialer = dialer;
    this.#channels = channels;
    this.#chunks = new Chunks({
      maxHeldBytes: HELD_MESSAGES * 2 * maxMessageBytes,
      clock,
      onLost: (name, error) => this.#events?.onMissed(name, error),
    });
    this.#packer = new Packer(channels, this.#chunks);
    this.#probe = new Probe(clock, probeTimeoutMs, (share) => this.#fills(share));
    this.history = new PostgresStore({
      ...history,
      dialer,
      channels,
      clock,
      connectTimeoutMs,
      answerTimeoutMs: probeTimeoutMs,
      maxMessageBytes,
      // Not the `Chunks` that joins incoming parts, because this node receives its own messages too.
      chunks: new Chunks({ maxHeldBytes: 0, clock, onLost() {} }),
    });
  }

  get address(): string {
    return this.#dialer.address;
  }

  get secrets(): readonly string[] {
    return this.#dialer.secrets;
  }

  nameOf(channel: string): string {
    return nameOf(channel);
  }

  async connect(role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<Link> {
    this.#nodeId = nodeId;
    const own = this.#probe.channel = this.#channels.probeOf(nodeId);
    let hear = (_channel: string, _payload: string) => {};
    const connection = await this.#dialer.connect(role, {
      onNotification: (channel, payload) => {
        this.#probe.sign("subscriber");
        if (channel === own) this.#probe.heard(payload);
        else hear(channel, payload);
      },
      onLost: (cause) => {
        this.#halt();
        events.onLost(cause);
      },
    }, signal);
    const listening = new Listening(connection, this.#channels, this.#chunks);
    hear = (channel, payload) => listening.heard(channel, payload, events);
    const publishing = new Publishing(connection, this.#packer, () => this.#probe.sign("publisher"));
    if (role === "subscriber") {
      this.#events = events;
      try {
        await connection.listen([own]);
        signal.throwIfAborted();
      } catch (error) {
        await connection.destroy();
        throw error;
      }
    }
    return { role, connection, listening, publishing };
  }

  async destroy({ role, connection }: Link): Promise<void> {
    this.#halt();
    if (role === "subscriber") this.#chunks.clear();
    await connection.destroy();
  }

  async subscribe({ listening }: Link, names: readonly string[]): Promise<void> {
    await listening.subscribe(names);
  }

  async unsubscribe({ listening }: Link, names: readonly string[]): Promise<void> {
    await listening.unsubscribe(names);
  }

  publish({ publishing }: Link, messages: readonly OutgoingMessage[]): Promise<PublishResults> {
    return publishing.publish(messages);
  }

  async probe(publisher: Link): Promise<Verdict | undefined> {
    return await this.#probe.run(publisher.connection);
  }

  gauges(): Readonly<Record<string, number>> {
    return this.#queueShare === undefined ? {} : { notifyQueue: this.#queueShare };
  }

  /**
   * Publishes a message within a transaction of the user.
   *
   * @param tx The transaction.
   * @param channel The channel's name in the hub.
   * @param data The message.
   */
  async publishIn(tx: PostgresTransaction, channel: string, data: AdapterData): Promise<void> {
    const { maxMessageBytes } = this;
    if (this.#nodeId === undefined) {
      throw new Error("Cannot publish: the PostgreSQL adapter was not open yet");
    }
    if (typeof channel !== "string") throw new TypeError("Cannot publish: the channel must be a text");
    if (typeof data !== "string" && !(data instanceof Uint8Array)) {
      throw new TypeError(`Cannot publish on "${channel}": a message is a text or a Uint8Array`);
    }
    if (exceedsUtf8(data, maxMessageBytes)) {
      const bytes = utf8Size(data);
      const what =
        `Cannot publish ${bytes} bytes on "${channel}": the PostgreSQL adapter takes at most ${maxMessageBytes}`;
      throw new HubError("TOO_LARGE", what, { data: { bytes, maxBytes: maxMessageBytes } });
    }
    const ask = askWithin(tx);
    const name = nameOf(channel);
    const payloads = this.#packer.payloadsOf({ name, data: encodeTextEnvelope(this.#nodeId, data) });
    const mark = await markIn(ask);
    const { text, parameters } = this.#packer.statement(
      payloads.map(() => partitionOf(name)),
      payloads,
      mark,
    );
    if (onlyAnswer(await ask(text, parameters), "count", /^\d+$/) === "0") throw ended();
  }

  hear(channel: string, data: AdapterData): boolean {
    const stored = typeof data === "string" ? readStored(data) : undefined;
    if (!stored) return false;
    if (!this.history.heard(channel, stored)) this.#events?.onTrouble("delivery", NOT_SHARED);
    return true;
  }

  judge(cause: unknown): Failure {
    return postgresFailure(cause, `PostgreSQL at ${this.address}`, this.secrets);
  }

  /** One of the two connections is lost. */
  #halt(): void {
    this.#probe.stop();
    this.#queueShare = undefined;
  }

  /** All databases of the server share one notify queue. When it is full, every NOTIFY fails. */
  #fills(share: number): void {
    this.#queueShare = share;
    if (share < QUEUE_ALARM - QUEUE_STEP) this.#nextAlarm = QUEUE_ALARM;
    if (!(share >= this.#nextAlarm)) return;
    this.#nextAlarm = share + QUEUE_STEP;
    this.#events?.onTrouble(
      "publish",
      `The notify queue is ${
        Math.round(share * 100)
      } % full, and publishes fail when it is full. A session that listens ` +
        "does not read its notifications. Often its transaction stays open: look for it in pg_stat_activity",
    );
  }
}
