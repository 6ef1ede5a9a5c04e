/**
 * One connection to NATS as the adapter sees it: live or not, watched, and bounded.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { type NatsClient, type NatsMessage, type NatsSubscription, readEvent } from "./client.ts";
import { describe } from "./errors.ts";
import { Pulse } from "./pulse.ts";

/** What a link tells and asks. It does nothing after `end`. */
export interface LinkEvents {
  /** The connection is new, or has come to another server. What is sent now is sent before the link is live. */
  onConnected(): void;
  /** The server has dealt with all that. The link is live when this resolves. */
  beforeLive(): Promise<void>;
  /** Messages flow. */
  onLive(): void;
  /** Another probe interval has passed on a live link. */
  onInterval(): void;
  /** The connection broke, or is silent. It may become live again unless the client is closed. */
  onLost(error: Error): void;
  /** The server does not permit to publish on a subject. */
  onPublishDenied(subject: string): void;
}

/** How to watch a connection. */
export interface LinkOptions extends LinkEvents {
  readonly client: NatsClient;
  /** Whether the client connects anew by itself. */
  readonly reconnects: boolean;
  readonly clock: Clock;
  readonly probeIntervalMs: number;
  readonly maxPendingBytes: number;
}

/** A connection in use. */
export class Link {
  readonly client: NatsClient;
  /** Where it was connected to last, for errors. */
  address: string;
  readonly #options: LinkOptions;
  readonly #status: AsyncIterable<object>;
  #pulse: Pulse;
  #live = false;
  /** Whether it was told that the link is not live any more. */
  #lost = false;
  #ended = false;
  /** The pulse that waits for the first answer. */
  #verifying: Pulse | undefined;
  #tickedAt: number;
  #stopTicking: () => void;
  /** Who waits for an answer of the server. */
  readonly #waiting = new Set<(error: Error) => void>();
  /** The wait of all who asked in this turn. */
  #nextConfirm: Promise<void> | undefined;

  /** @param options The connection, and who wants to know. */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.client = options.client;
    this.address = options.client.getServer();
    this.#status = options.client.status();
    this.#pulse = this.#newPulse();
    this.#tickedAt = options.clock.now();
    this.#stopTicking = this.#scheduleTick();
    this.#watch().catch(() => {});
    options.client.closed().then((error) => {
      const why = error ? describe(error) : "the connection was closed";
      this.#lose(new Error(why, { cause: error ?? undefined }), true);
    }, () => {});
  }

  /** Whether messages flow, as far as is known. */
  get live(): boolean {
    return this.#live;
  }

  /** Finds out whether messages flow. To be called when the subscriptions are made. */
  async verify(): Promise<void> {
    if (this.#live || this.#ended) return;
    const pulse = this.#newPulse();
    this.#pulse = pulse;
    this.#verifying = pulse;
    try {
      this.#options.onConnected();
    } catch {
      return; // The client is closed, and says so.
    }
    const answered = await pulse.beat().then(() => true, () => false);
    if (answered && this.#verifying === pulse && !this.#ended) await this.#options.beforeLive();
    // Asked anew meanwhile, on a connection that is newer.
    if (this.#verifying !== pulse) return;
    this.#verifying = undefined;
    if (!answered || this.#ended || this.client.isClosed()) return;
    this.address = this.client.getServer();
    this.#live = true;
    this.#lost = false;
    this.#options.onLive();
  }

  /**
   * Sends a message.
   *
   * @param subject Where to.
   * @param bytes What.
   * @returns Whether it was taken: there is a bound on what may be on its way.
   */
  publish(subject: string, bytes: Uint8Array): boolean {
    if (!this.#pulse.takes(bytes.length)) return false;
    this.client.publish(subject, bytes);
    this.#pulse.add(bytes.length);
    return true;
  }

  /**
   * Asks for the messages of a subject; `confirm` or `verify` tell when they flow.
   *
   * @param subject The subject.
   * @param callback Called with each, or once with the error when it is not permitted.
   */
  subscribe(
    subject: string,
    callback: (error: Error | null, message: NatsMessage) => void,
  ): NatsSubscription {
    return this.client.subscribe(subject, { callback });
  }

  /**
   * Resolves when the server has dealt with all that was sent up to the end of this turn. Rejects when the connection is
   * lost before.
   */
  confirm(): Promise<void> {
    this.#nextConfirm ??= new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      queueMicrotask(() => {
        this.#nextConfirm = undefined;
        this.#pulse.beat().then(resolve, reject).finally(() => this.#waiting.delete(reject));
      });
    });
    return this.#nextConfirm;
  }

  /** Watches no more. */
  end(): void {
    this.#ended = true;
    this.#stopTicking();
    this.#fail(new Error("it was closed meanwhile"));
    // Both libraries' iterators have it; without, the wait for the next event would never end.
    (this.#status as { stop?(): void }).stop?.();
  }

  #newPulse(): Pulse {
    return new Pulse(() => this.client.flush(), this.#options.maxPendingBytes);
  }

  async #watch(): Promise<void> {
    for await (const status of this.#status) {
      if (this.#ended) return;
      const { type, publishDenied } = readEvent(status);
      // A client that does not reconnect is closed next, and then tells why.
      if (type === "disconnect" && this.#options.reconnects) {
        this.#verifying = undefined;
        this.#lose(new Error("the connection broke"));
      }
      if (type === "reconnect") this.verify();
      if (publishDenied !== undefined) this.#options.onPublishDenied(publishDenied);
    }
  }

  #scheduleTick(): () => void {
    const { clock, probeIntervalMs } = this.#options;
    return clock.after(probeIntervalMs, () => this.#tick());
  }

  #tick(): void {
    const { clock, probeIntervalMs } = this.#options;
    const now = clock.now();
    // A process that was busy or frozen itself may not have read the answers yet: then this round judges nobody.
    const late = now - this.#tickedAt > 1.5 * probeIntervalMs;
    this.#tickedAt = now;
    this.#stopTicking = this.#scheduleTick();
    if (late) return;
    const alive = this.#pulse.check();
    if (!alive) this.#lose(new Error(`it has not answered for ${probeIntervalMs} ms`));
    if (this.#live) {
      this.#options.onInterval();
      this.#pulse.beat().catch(() => {});
      // One question is enough for a server that is silent.
    } else if (!this.#verifying) this.verify();
  }

  /** Tells of a loss once. */
  #lose(error: Error, final = false): void {
    if (this.#ended) return;
    this.#live = false;
    this.#fail(error);
    if (this.#lost && !final) return;
    this.#lost = true;
    this.#options.onLost(error);
  }

  #fail(error: Error): void {
    for (const reject of [...this.#waiting]) reject(error);
    this.#waiting.clear();
  }
}
