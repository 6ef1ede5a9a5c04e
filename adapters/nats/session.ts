/**
 * One connection to NATS, from the moment it is connected until it breaks: watched, and bounded.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import type { LinkEvents } from "../kit/engine.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { type NatsClient, type NatsMessage, type NatsSubscription, readEvent } from "./client.ts";
import { describe } from "./errors.ts";
import { Pulse } from "./pulse.ts";
import { Reach } from "./reach.ts";
import type { Subjects } from "./subject.ts";

/** What {@linkcode Session} needs. */
export interface SessionOptions {
  /** A client that is connected. */
  readonly client: NatsClient;
  /** Whether it is ours, to be closed. */
  readonly owned: boolean;
  readonly nodeId: string;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly maxPendingBytes: number;
  readonly events: LinkEvents;
  /** Where a server publishes what it has kept of a history, and who takes it; absent without histories. */
  readonly kept?: KeptMessages;
}

/** What a server tells of histories. */
export interface KeptMessages {
  /** The subject on which it tells what it has kept of a channel; `undefined` where nobody listens. */
  subjectOf(subject: string): string | undefined;
  /**
   * Takes a message.
   *
   * @param subject The subject of the channel.
   */
  onMessage(subject: string, message: NatsMessage): void;
  /** The server does not permit to publish on a subject that is none of a channel. */
  onPublishDenied(subject: string): void;
}

const encoder = new TextEncoder();

/** A connection in use. */
export class Session {
  readonly client: NatsClient;
  /** Where it is connected to. */
  readonly address: string;
  readonly #options: SessionOptions;
  readonly #pulse: Pulse;
  readonly #reach: Reach;
  readonly #status: AsyncIterable<object>;
  readonly #subscriptions = new Map<string, readonly NatsSubscription[]>();
  /** Why subjects that are being subscribed to are not permitted. */
  readonly #denied = new Map<string, Error>();
  readonly #lost = Promise.withResolvers<never>();
  #ended = false;
  /** The wait of all who ask in this turn. */
  #nextConfirm: Promise<void> | undefined;

  /** @param options The connection, and who wants to know. */
  constructor(options: SessionOptions) {
    const { client, clock, maxPendingBytes } = options;
    this.#options = options;
    this.client = client;
    this.address = client.getServer();
    this.#pulse = new Pulse(() => client.flush(), clock, maxPendingBytes);
    this.#reach = new Reach({ ...options, link: this });
    this.#status = client.status();
    this.#lost.promise.catch(() => {});
    this.#watch().catch(() => {});
    client.closed().then((error) => {
      this.#lose(
        new Error(error ? describe(error) : "the connection was closed", { cause: error ?? undefined }),
      );
    }, () => {});
  }

  /** Joins the nodes on the servers of the cluster: resolves when messages flow. */
  async join(): Promise<void> {
    this.#reach.join();
    await this.#orLost(this.#pulse.beat());
    await this.#orLost(this.#reach.joined());
  }

  /**
   * Asks for the messages of subjects.
   *
   * @returns When they flow on every server of the cluster, why any of them is not permitted.
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

  /** Sends messages, unless more than the bound are on their way. */
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
   * @returns Whether it was taken: there is a bound on what may be on its way.
   */
  publish(subject: string, bytes: Uint8Array): boolean {
    if (!this.#pulse.takes(bytes.length)) return false;
    this.client.publish(subject, bytes);
    this.#pulse.add(bytes.length);
    return true;
  }

  /**
   * Resolves when the server has dealt with all that was sent up to the end of this turn. Rejects when the connection is
   * lost before.
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
   * Asks whether the server lives, and which servers are still there.
   *
   * @param timeoutMs How long it may be silent.
   * @returns Whether it does; also when the connection is lost, of which others hear.
   */
  async lives(timeoutMs: number): Promise<boolean> {
    this.#reach.refresh();
    const { promise: gone } = this.#lost;
    const answer = Promise.race([this.#pulse.beat(), gone]).catch(() => {});
    const { clock } = this.#options;
    return await answerOrSilence(clock, timeoutMs, answer, () => this.#pulse.answeredAt) !== "silent";
  }

  /** Says goodbye; resolves when the server has all that was sent. */
  async part(): Promise<void> {
    this.#reach.part();
    await this.confirm();
  }

  /** Ends it. A client that is not ours stays, without what was subscribed to here. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#lose(new Error("it was closed meanwhile"));
    this.#reach.leave();
    // Both libraries' iterators have it; without, the wait for the next event would never end.
    (this.#status as { stop?(): void }).stop?.();
    if (this.#options.owned) await this.client.close().catch(() => {});
    else this.unsubscribe([...this.#subscriptions.keys()]);
  }

  async #watch(): Promise<void> {
    const { owned, subjects, events, kept } = this.#options;
    for await (const status of this.#status) {
      if (this.#ended) return;
      const { type, publishDenied } = readEvent(status);
      // One that is ours is closed next, and then tells why.
      if (type === "disconnect" && !owned) this.#lose(new Error("the connection broke"));
      if (publishDenied === undefined) continue;
      const channel = subjects.decode(publishDenied);
      // Else of histories, or not ours: of whoever gave us the connection.
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
