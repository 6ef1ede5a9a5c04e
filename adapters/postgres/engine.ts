/**
 * PostgreSQL as an engine, by LISTEN and NOTIFY: two connections for each node, so that a large publish does not hold up what
 * arrives.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { Chunks } from "../kit/chunks.ts";
import type { Engine, LinkEvents, Role, Verdict } from "../kit/engine.ts";
import type { Failure } from "../kit/failure.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { nameOf, type NotifyChannels } from "./channels.ts";
import type { Connection, Dialer } from "./connection.ts";
import { postgresFailure } from "./errors.ts";
import { Listening } from "./listening.ts";
import { Probe } from "./probe.ts";
import { Packer, Publishing } from "./publishing.ts";

/** What {@linkcode PostgresEngine} needs. */
export interface PostgresEngineOptions {
  readonly dialer: Dialer;
  readonly channels: NotifyChannels;
  readonly clock: Clock;
  readonly probeTimeoutMs: number;
  readonly maxMessageBytes: number;
}

/** A connection, and what is done over it: one of the two. */
export interface Link {
  readonly connection: Connection;
  readonly listening: Listening;
  readonly publishing: Publishing;
}

/** From which share on the notify queue is reported, and how much more it takes to say so again. */
const QUEUE_ALARM = 0.5;
const QUEUE_STEP = 0.1;

/** How much of large messages that are not complete is kept, as a multiple of the largest. */
const HELD_MESSAGES = 4;

/** One adapter's PostgreSQL. */
export class PostgresEngine implements Engine<Link> {
  readonly name = "postgres";
  readonly title = "PostgreSQL";
  readonly separatePublisher = true;
  readonly textOnly = true;
  readonly batchSize = 1_000;
  readonly maxMessageBytes: number;
  readonly #dialer: Dialer;
  readonly #channels: NotifyChannels;
  readonly #chunks: Chunks;
  readonly #packer: Packer;
  readonly #probe: Probe;
  #events: LinkEvents | undefined;
  #nextAlarm = QUEUE_ALARM;

  /** @param options What it needs. */
  constructor({ dialer, channels, clock, probeTimeoutMs, maxMessageBytes }: PostgresEngineOptions) {
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
    const own = this.#probe.channel = this.#channels.probeOf(nodeId);
    let hear = (_channel: string, _payload: string) => {};
    const connection = await this.#dialer.connect(role, {
      onNotification: (channel, payload) => {
        this.#probe.sign("subscriber");
        if (channel === own) this.#probe.heard(payload);
        else hear(channel, payload);
      },
      onLost: (cause) => {
        this.#probe.stop();
        events.onLost(cause);
      },
    }, signal);
    const listening = new Listening(connection, this.#channels, this.#chunks);
    hear = (channel, payload) => listening.heard(channel, payload, events);
    const publishing = new Publishing(connection, this.#packer, () => this.#probe.sign("publisher"));
    if (role === "subscriber") {
      this.#events = events;
      this.#chunks.clear();
      try {
        await connection.listen([own]);
        signal.throwIfAborted();
      } catch (error) {
        await connection.destroy();
        throw error;
      }
    }
    return { connection, listening, publishing };
  }

  async destroy({ connection }: Link): Promise<void> {
    this.#probe.stop();
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

  judge(cause: unknown): Failure {
    return postgresFailure(cause, `PostgreSQL at ${this.address}`, this.secrets);
  }

  /** The notify queue is one for all databases of the server, and when it is full nobody can notify any more. */
  #fills(share: number): void {
    if (share < QUEUE_ALARM - QUEUE_STEP) this.#nextAlarm = QUEUE_ALARM;
    if (!(share >= this.#nextAlarm)) return;
    this.#nextAlarm = share + QUEUE_STEP;
    this.#events?.onTrouble(
      "publish",
      `The notify queue is ${
        Math.round(share * 100)
      } % full, and publishes fail when it is full. A session that listens ` +
        "does not read, as one does whose transaction stays open: look for it in pg_stat_activity",
    );
  }
}
