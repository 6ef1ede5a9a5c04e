/**
 * NATS as an engine, over core publish and subscribe.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { HistoryStore } from "../history_store.ts";
import type { Engine, LinkEvents, Role, Verdict } from "../kit/engine.ts";
import { encodeEnvelope } from "../kit/envelope.ts";
import type { Failure } from "../kit/failure.ts";
import { LibraryError } from "../kit/library.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { ConnectError, describe } from "./errors.ts";
import type { Former } from "./reach.ts";
import { type KeptMessages, Session } from "./session.ts";
import type { ClientSource } from "./source.ts";
import type { NatsHistory } from "./history/store.ts";
import type { Subjects } from "./subject.ts";

/** The limit of a server with default options. It is used before the first connection. */
const DEFAULT_MAX_PAYLOAD = 1024 * 1024;

/** The longest head of an envelope: its mark, the length and colon, and an id of 1,024 characters. */
const MAX_HEAD_BYTES = 9 + 3 * 1024;

/** Options of {@linkcode NatsEngine}. */
export interface NatsEngineOptions {
  readonly source: ClientSource;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly probeTimeoutMs: number;
  readonly maxPendingBytes: number;
  /** The history store over the same connection, if there is one. */
  readonly history: NatsHistory | undefined;
}

/** The NATS of one adapter. */
export class NatsEngine implements Engine<Session> {
  readonly name = "nats";
  readonly title = "NATS";
  readonly batchSize = 1_000;
  /** Errors of the library contain no secrets: its URLs never contain the login. */
  readonly secrets = [];
  readonly #options: NatsEngineOptions;
  #maxPayload = DEFAULT_MAX_PAYLOAD;
  #headBytes = MAX_HEAD_BYTES;
  /** The cluster as the last session knew it. */
  #former: Former = { others: new Set(), hadNeighbours: false, size: 0 };
  /** The address of the last connection. */
  #lastAddress: string | undefined;

  /** @param options The options. */
  constructor(options: NatsEngineOptions) {
    this.#options = options;
  }

  get history(): HistoryStore | undefined {
    const { history } = this.#options;
    return history?.publishes ? history : undefined;
  }

  get address(): string {
    return this.#lastAddress ?? this.#options.source.address;
  }

  /** The server's present limit without the envelope's head. Before the first connection, the default limit is used. */
  get maxMessageBytes(): number {
    return Math.max(0, this.#maxPayload - this.#headBytes);
  }

  nameOf(channel: string): string {
    return this.#options.subjects.encode(channel);
  }

  async connect(_role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<Session> {
    const { source, history } = this.#options;
    this.#headBytes = encodeEnvelope(nodeId, new Uint8Array()).length;
    const client = await source.connect(signal);
    const session = new Session({
      ...this.#options,
      client,
      owned: source.owned,
      nodeId,
      events: history ? this.#withHistory(history, events) : events,
      ...(history && { kept: this.#kept(history, events) }),
    });
    const abort = () => void session.end();
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      await session.join(this.#former, this.#options.connectTimeoutMs);
      history?.attach(client, nodeId);
      this.#maxPayload = client.info?.max_payload ?? this.#maxPayload;
      this.#lastAddress = session.address;
      return session;
    } catch (error) {
      await session.end();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Tells the history when the connection is lost. */
  #withHistory(history: NatsHistory, events: LinkEvents): LinkEvents {
    return {
      ...events,
      onLost: (cause) => {
        history.detach(cause as Error);
        events.onLost(cause);
      },
    };
  }

  #kept(history: NatsHistory, events: LinkEvents): KeptMessages {
    const { subjects } = this.#options;
    return {
      subjectOf: (subject) => history.publishes ? subjects.keptOf(subject) : undefined,
      onMessage: (subject, message) => {
        const isOurs = history.heard(subjects.decode(subject)!, message);
        if (!isOurs) events.onMessage(subject, message.data as Uint8Array<ArrayBuffer>); // which reports it as foreign
      },
      onPublishDenied: (subject) => history.denied(subject),
    };
  }

  async destroy(session: Session): Promise<void> {
    const { known } = session;
    // A session that ends soon may not have seen all of it.
    this.#former = { ...known, size: Math.max(known.size, this.#former.size) };
    await session.end();
  }

  async subscribe(session: Session, subjects: readonly string[]): Promise<(Error | undefined)[]> {
    return await session.subscribe(subjects);
  }

  unsubscribe(session: Session, subjects: readonly string[]): Promise<void> {
    session.unsubscribe(subjects);
    return Promise.resolve();
  }

  publish(session: Session, messages: readonly OutgoingMessage[]): PublishResults {
    return session.send(messages);
  }

  async probe(session: Session): Promise<Verdict | undefined> {
    const { probeTimeoutMs } = this.#options;
    if (await session.lives(probeTimeoutMs)) return undefined;
    return { dead: "subscriber", cause: new Error(`it has not answered for ${probeTimeoutMs} ms`) };
  }

  async drain(session: Session): Promise<void> {
    await session.part();
  }

  judge(cause: unknown): Failure {
    if (cause instanceof ConnectError) return { kind: cause.kind, error: cause };
    if (cause instanceof LibraryError) return { kind: "refused", error: cause };
    const error = new Error(`Cannot connect to NATS at ${this.address}: ${describe(cause)}`, { cause });
    return { kind: "unreachable", error };
  }
}
