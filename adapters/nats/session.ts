/**
 * One connection to NATS, from connect to loss. It is watched, and the bytes under way have a limit.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence, inTime } from "../kit/deadline.ts";
import type { LinkEvents } from "../kit/engine.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { type NatsClient, type NatsMessage, type NatsSubscription, readEvent } from "./client.ts";
import { describe } from "./errors.ts";
import { Pulse } from "./pulse.ts";
import { type Former, Reach } from "./reach.ts";
import type { Subjects } from "./subject.ts";

/** Options of {@linkcode Session}. */
export interface SessionOptions {
  /** A connected client. */
  readonly client: NatsClient;
  /** Whether the adapter opened the client and has to close it. */
  readonly owned: boolean;
  readonly nodeId: string;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly maxPendingBytes: number;
  readonly events: LinkEvents;
  /** How the session gets kept messages of histories; absent without histories. */
  readonly kept?: KeptMessages;
}

/** How a session gets kept messages of histories. */
export interface KeptMessages {
  /**
   * The subject on which a server publishes the kept messages of a channel; `undefined` if this node does not need
   * them.
   */
  subjectOf(subject: string): string | undefined;
  /**
   * Takes a message.
   *
   * @param subject The subject of the channel.
   */
  onMessage(subject: string, message: NatsMessage): void;
  /** The server does not permit to publish on a subject that belongs to no channel. */
  onPublishDenied(subject: string): void;
}

const encoder = new TextEncoder();

/** A connection in use. */
export class Session {
  readonly client: NatsClient;
  /** The address of the server. */
  readonly address: string;
  readonly #options: SessionOptions;
  readonly #pulse: Pulse;
  readonly #reach: Reach;
  readonly #status: AsyncIterable<object>;
  readonly #subscriptions = new Map<string, readonly NatsSubscription[]>();
  /** The servers' refusals for subjects of a running `subscribe`. */
  readonly #denied = new Map<string, Error>();
  readonly #lost = Promise.withResolvers<never>();
  #ended = false;
  /** The shared wait of all calls in this turn. */
  #nextConfirm: Promise<void> | undefined;

  /** @param options The connection, and the callbacks. */
  constructor(options: SessionOptions) {
    const { client, clock, maxPendingBytes } = options;
    this.#options = options;
    this.client = client;
    this.address = client.getServer();
    this.#pulse = new Pulse(() => client.flush(), clock, maxPendingBytes);
    this.#reach = new Reach({
      ...options,
      link: this,
      onBack: () =>
        options.events.onMissed(undefined, new Error("another server of the cluster was cut off")),
    });
    this.#status = client.status();
    this.#lost.promise.catch(() => {});
    this.#watch().catch(() => {});
    client.closed().then((error) => {
      this.#lose(
        new Error(error ? describe(error) : "the connection was closed", { cause: error ?? undefined }),
      );
    }, () => {});
  }

  /** What this node knows of the servers of the cluster. */
  get known(): Former {
    return this.#reach.known;
  }

  /**
   * Joins the nodes on the servers of the cluster. Resolves when messages flow.
   *
   * @param former The cluster as the last session knew it.
   * @param timeoutMs How long the server may take to answer.
   */
  async join(former: Former, timeoutMs: number): Promise<void> {
    this.#reach.join();
    const answer = this.#orLost(this.#pulse.beat());
    await inTime(this.#options.clock, timeoutMs, answer, "it has not answered");
    await this.#orLost(this.#reach.joined(former));
  }

  /**
   * Subscribes to subjects.
   *
   * @returns For each subject the server's refusal, if it refuses it. Resolves when messages flow on every server of
   * the cluster.
   */
  async subscribe(subjects: readonly string[]): Promise<(Error | undefined)[]> {
    const { events, kept } = this.#options;
    for (const subject of subjects) {
      this.#denied.delete(subject);
      const on = (actual: string, take: (message: NatsMessage) => void) =>
        this.client.subscribe(actual, {
          callback: (error, message) => {
            if (error) this.#deny(subject, error);
            else if (!this.#ended) take(message);
          },
        });
      const subscriptions = [
        on(subject, ({ data }) => events.onMessage(subject, data as Uint8Array<ArrayBuffer>)),
      ];
      const told = kept?.subjectOf(subject);
      if (told !== undefined) subscriptions.push(on(told, (message) => kept!.onMessage(subject, message)));
      this.#subscriptions.set(subject, subscriptions);
    }
    await this.#orLost(this.#reach.confirm());
    return subjects.map((subject) => {
      const error = this.#denied.get(subject);
      if (error) this.#subscriptions.delete(subject);
      this.#denied.delete(subject);
      return error;
    });
  }

  /** Ends subscriptions. */
  unsubscribe(subjects: Iterable<string>): void {
    for (const subject of subjects) {
      try {
        for (const subscription of this.#subscriptions.get(subject) ?? []) subscription.unsubscribe();
      } catch {
        // The client is closed: then it has no subscriptions.
      }
      this.#subscriptions.delete(subject);
    }
  }

  /** Sends messages, as long as there is room. */
  send(messages: readonly OutgoingMessage[]): PublishResults {
    let results: unknown[] | undefined;
    for (const [i, { name, data }] of messages.entries()) {
      try {
        if (this.publish(name, typeof data === "string" ? encoder.encode(data) : data)) continue;
        (results ??= [])[i] = "full";
      } catch (error) {
        (results ??= [])[i] = error;
      }
    }
    return results;
  }

  /**
   * Sends a message.
   *
   * @returns Whether it was sent. Bytes under way have a limit.
   */
  publish(subject: string, bytes: Uint8Array): boolean {
    if (!this.#pulse.takes(bytes.length)) return false;
    this.client.publish(subject, bytes);
    this.#pulse.add(bytes.length);
    return true;
  }

  /**
   * Resolves when the server has processed everything that was sent up to the end of this turn. Rejects when the
   * connection is lost before.
   */
  confirm(): Promise<void> {
    this.#nextConfirm ??= (async () => {
      await Promise.resolve();
      this.#nextConfirm = undefined;
      await this.#orLost(this.#pulse.beat());
    })();
    return this.#nextConfirm;
  }

  /**
   * Tests whether the server is alive, and updates the list of servers.
   *
   * @param timeoutMs How long it may be silent.
   * @returns Whether it is alive. Also `true` when the connection is lost, because that is reported elsewhere.
   */
  async lives(timeoutMs: number): Promise<boolean> {
    this.#reach.refresh();
    const { promise: gone } = this.#lost;
    const answer = Promise.race([this.#pulse.beat(), gone]).catch(() => {});
    const { clock } = this.#options;
    return await answerOrSilence(clock, timeoutMs, answer, () => this.#pulse.answeredAt) !== "silent";
  }

  /** Says goodbye. Resolves when the server has everything that was sent. */
  async part(): Promise<void> {
    this.#reach.part();
    await this.confirm();
  }

  /** Ends the session. A client that the user gave stays open, without this session's subscriptions. */
  async end(): Promise<void> {
    this.#lose(new Error("it was closed meanwhile"));
    this.#reach.leave();
    // The iterators of both libraries have `stop`. Without this call, the wait for the next event would never end.
    (this.#status as { stop?(): void }).stop?.();
    if (this.#options.owned) await this.client.close().catch(() => {});
    else this.unsubscribe([...this.#subscriptions.keys()]);
  }

  async #watch(): Promise<void> {
    const { owned, subjects, events, kept } = this.#options;
    for await (const status of this.#status) {
      if (this.#ended) return;
      const { type, publishDenied } = readEvent(status);
      // A client that the adapter opened is closed next, and `closed()` then gives the reason.
      if (type === "disconnect" && !owned) this.#lose(new Error("the connection broke"));
      if (publishDenied === undefined) continue;
      const channel = subjects.decode(publishDenied);
      // Otherwise it belongs to a history, or to the application's own use of the connection.
      if (channel === undefined) kept?.onPublishDenied(publishDenied);
      else events.onPublishRefused(channel, notPermitted("publish on", publishDenied));
    }
  }

  #deny(subject: string, cause: Error): void {
    if (this.#ended) return;
    const error = notPermitted("subscribe to", subject, cause);
    this.#denied.set(subject, error);
    this.#options.events.onRefused(subject, error);
  }

  #lose(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lost.reject(error);
    this.#options.events.onLost(error);
  }

  async #orLost<T>(promise: Promise<T>): Promise<T> {
    return await Promise.race([promise, this.#lost.promise]);
  }
}

function notPermitted(what: string, subject: string, cause?: Error): Error {
  return new Error(`the server does not permit to ${what} ${subject}: grant it to this user`, { cause });
}
