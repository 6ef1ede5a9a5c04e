/**
 * The part that all adapters for engines share. It does not depend on the engine. It opens once, closes once, and
 * reports each failure once. It refuses messages that are too large, and reports lost messages.
 *
 * @module
 */

import { HubError } from "../../contract/errors.ts";
import { exceedsUtf8, utf8Size } from "../../contract/values/utf8_size.ts";
import type { Clock } from "../../contract/clock.ts";
import type { Adapter, AdapterContext, AdapterData, AdapterStage, AdapterWaitOptions } from "../adapter.ts";
import type { HistoryStore } from "../history_store.ts";
import type { PresenceStore } from "../presence_store.ts";
import { explained, type Failure } from "./failure.ts";
import { inMessages, Reports } from "./reports.ts";

/** The name, the address and the limits of an adapter. */
export interface Identity {
  /** The adapter's name: `"redis"`. */
  readonly name: string;
  /** The engine in errors: `"Redis"`. */
  readonly title: string;
  /** The address, without credentials; may change. */
  readonly address: string;
  /** Texts that must not appear in errors. */
  readonly secrets: readonly string[];
  /** The largest message in bytes, without its envelope; may change. */
  readonly maxMessageBytes: number;
  /** See {@linkcode Adapter.presence}. */
  readonly presence?: PresenceStore;
  /** See {@linkcode Adapter.history}. */
  readonly history?: HistoryStore;
}

/** Carries the messages of one node, beneath the shell. The shell uses it only between `start` and `close`. */
export interface Carrier {
  /** Begins to connect, and keeps the connection until `close`. */
  start(): void;
  /** As {@linkcode Adapter.subscribe}: waits while the engine is away. A `RangeError` is about the channel. */
  subscribe(channel: string, signal: AbortSignal | undefined): Promise<void>;
  /** As {@linkcode Adapter.unsubscribe}. */
  unsubscribe(channel: string): Promise<void>;
  /** Sends a message within the size limit. The shell reports what it throws. It copies bytes before it returns. */
  publish(channel: string, data: AdapterData): void;
  /** As {@linkcode Adapter.countListeners}; may reject. */
  countListeners?(channel: string): Promise<number | undefined>;
  /** As {@linkcode Adapter.gauges}. */
  gauges?(): Readonly<Record<string, number>>;
  /**
   * Sends waiting messages, for a limited time, and ends everything. Pending `subscribe` calls reject with the reason.
   */
  close(reason: Error): Promise<void>;
}

/** The events that a carrier reports to its shell. */
export interface Reporter {
  /** The identity of this node. */
  readonly nodeId: string;
  /** A message of another node. */
  deliver(channel: string, data: AdapterData, from: string): void;
  /** Everything is live. */
  up(): void;
  /** Something is not live any more. */
  down(): void;
  /** See {@linkcode AdapterContext.onGap}. */
  gap(channels?: readonly string[]): void;
  /** See {@linkcode AdapterContext.onNodeGone}. */
  nodeGone(nodeId: string): void;
  /** A connection attempt failed; reported once in an outage. A refusal rejects a pending `open`. */
  failed(failure: Failure): void;
  /**
   * A working connection is lost.
   *
   * @param what Which one: `"The publisher's connection"`.
   * @param stage The operation that needs it.
   * @param cause Why.
   * @param address The address of the connection, if it differs from the identity's.
   */
  broken(what: string, stage: "publish" | "delivery", cause: unknown, address?: string): void;
  /** Messages are lost, or may be. */
  lost(reason: string, count: number, channel: string, cause?: Error): void;
  /** Data came that no hub has sent. */
  foreign(channel?: string): void;
  /** An error with a channel. No call waits for its result. */
  trouble(what: string, stage: AdapterStage, channel: string | undefined, cause: unknown): void;
}

/** How many different failures of one outage are reported. */
const MAX_FAILURES = 10;

/**
 * Creates an adapter.
 *
 * @param identity The adapter's name, address and limits.
 * @param clock The source of time.
 * @param carry Makes the carrier when the adapter is opened. What it throws rejects `open`.
 */
export function createShell(
  identity: Identity,
  clock: Clock,
  carry: (reporter: Reporter) => Carrier,
): Adapter {
  return new Shell(identity, clock, carry);
}

class Shell implements Adapter, Reporter {
  readonly name: string;
  readonly #identity: Identity;
  readonly #carry: (reporter: Reporter) => Carrier;
  readonly #reports: Reports;
  readonly #opening = Promise.withResolvers<void>();
  #context: AdapterContext | undefined;
  #carrier: Carrier | undefined;
  /** Stays after `#live` ends, until the published messages are sent or lost. */
  #onError: AdapterContext["onError"] | undefined;
  /** `true` between `open` and `close`. */
  #live = false;
  #status: "up" | "down" = "down";
  #everUp = false;
  /** What was reported since the status was last up: that the engine is away, and each reason once. */
  #awayTold = false;
  readonly #told = new Set<string>();
  #stopWaiting = () => {};
  #closed: Promise<void> | undefined;

  constructor(identity: Identity, clock: Clock, carry: (reporter: Reporter) => Carrier) {
    this.name = identity.name;
    this.#identity = identity;
    this.#carry = carry;
    this.#reports = new Reports(clock);
    this.#opening.promise.catch(() => {}); // an adapter may be closed before any call of `open`
  }

  get maxMessageBytes(): number {
    return this.#identity.maxMessageBytes;
  }

  get presence(): PresenceStore | undefined {
    return this.#identity.presence;
  }

  get history(): HistoryStore | undefined {
    return this.#identity.history;
  }

  get nodeId(): string {
    return this.#context!.nodeId;
  }

  get #where(): string {
    return `${this.#identity.title} at ${this.#identity.address}`;
  }

  async open(context: AdapterContext, { signal }: AdapterWaitOptions = {}): Promise<void> {
    const { title } = this.#identity;
    if (this.#closed) throw new Error(`Cannot open a closed ${title} adapter`);
    if (this.#context) throw new TypeError(`Cannot open a ${title} adapter twice: create one for each hub`);
    this.#context = context;
    this.#onError = (error, info) => context.onError(error, info);
    try {
      signal?.throwIfAborted();
      this.#carrier = this.#carry(this);
      this.#live = true;
      this.#carrier.start();
    } catch (error) {
      void this.close();
      throw error;
    }
    if (signal) {
      const abort = () => this.#fail(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      this.#stopWaiting = () => signal.removeEventListener("abort", abort);
    }
    await this.#opening.promise;
  }

  async subscribe(channel: string, { signal }: AdapterWaitOptions = {}): Promise<void> {
    if (!this.#live) throw new Error(`Cannot subscribe: the ${this.#identity.title} adapter is not open`);
    signal?.throwIfAborted();
    try {
      await this.#carrier!.subscribe(channel, signal);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (cause instanceof RangeError) throw cause; // about the channel, not an answer of the engine
      throw this.#error(`Cannot subscribe to "${channel}" at ${this.#where}`, cause);
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    if (!this.#live) return;
    try {
      await this.#carrier!.unsubscribe(channel);
    } catch (cause) {
      throw this.#error(`Cannot unsubscribe from "${channel}" at ${this.#where}`, cause);
    }
  }

  publish(channel: string, data: AdapterData): void {
    if (!this.#live) return;
    const { maxMessageBytes } = this.#identity;
    if (exceedsUtf8(data, maxMessageBytes)) {
      const bytes = utf8Size(data);
      const what =
        `Cannot publish ${bytes} bytes on "${channel}": ${this.#where} takes at most ${maxMessageBytes}`;
      const error = new HubError("TOO_LARGE", what, { data: { bytes, maxBytes: maxMessageBytes } });
      return this.#reportLater(error, channel);
    }
    try {
      this.#carrier!.publish(channel, data);
    } catch (error) {
      this.#reportLater(error as Error, channel);
    }
  }

  async countListeners(channel: string): Promise<number | undefined> {
    if (!this.#live) return undefined;
    try {
      const count = await this.#carrier!.countListeners?.(channel);
      return Number.isInteger(count) ? count : undefined;
    } catch {
      return undefined; // an ACL may forbid the command
    }
  }

  gauges(): Readonly<Record<string, number>> {
    return this.#live ? this.#carrier!.gauges?.() ?? {} : {};
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { title } = this.#identity;
    this.#live = false;
    this.#stopWaiting();
    this.#opening.reject(new Error(`Cannot open the ${title} adapter: it was closed meanwhile`));
    await this.#carrier?.close(new Error(`the ${title} adapter was closed meanwhile`));
    this.#reports.close();
    this.#onError = undefined;
  }

  /** Rejects a pending `open`, and closes the adapter. */
  #fail(error: unknown): void {
    this.#opening.reject(error);
    void this.close();
  }

  deliver(channel: string, data: AdapterData, from: string): void {
    if (this.#live) this.#context!.deliver(channel, data, from);
  }

  up(): void {
    if (!this.#live || this.#status === "up") return;
    this.#status = "up";
    this.#everUp = true;
    this.#awayTold = false;
    this.#told.clear();
    this.#stopWaiting();
    this.#context!.onStatus("up");
    this.#opening.resolve();
  }

  down(): void {
    if (!this.#live || this.#status === "down") return;
    this.#status = "down";
    this.#context!.onStatus("down");
  }

  gap(channels?: readonly string[]): void {
    if (this.#live) this.#context!.onGap(channels);
  }

  nodeGone(nodeId: string): void {
    if (this.#live) this.#context!.onNodeGone?.(nodeId);
  }

  failed({ kind, error }: Failure): void {
    if (!this.#live) return;
    if ((kind === "refused" || kind === "final") && !this.#everUp) return this.#fail(error);
    if (kind === "unreachable") {
      if (this.#awayTold) return;
      this.#awayTold = true;
    } else {
      if (this.#told.has(error.message) || this.#told.size === MAX_FAILURES) return;
      this.#told.add(error.message);
    }
    this.#report(error, "open");
  }

  broken(
    what: string,
    stage: "publish" | "delivery",
    cause: unknown,
    address: string = this.#identity.address,
  ): void {
    if (!this.#live) return;
    this.#awayTold = true;
    const where = `${this.#identity.title} at ${address}`;
    const error = this.#error(`${what} to ${where} is lost`, cause);
    this.#report(error, stage);
  }

  lost(reason: string, count: number, channel: string, cause?: Error): void {
    this.#reports.add(reason, count, (count) => {
      const what = `Cannot publish ${inMessages(count)} to ${this.#where}: ${reason}`;
      this.#report(this.#error(what, cause), "publish", channel);
    });
  }

  foreign(channel?: string): void {
    if (!this.#live) return;
    this.#reports.add("foreign", 1, (count) => {
      const what = `Ignored ${inMessages(count)} at ${this.#where} that no hub has sent`;
      this.#report(new Error(what), "delivery", channel, count);
    });
  }

  trouble(what: string, stage: AdapterStage, channel: string | undefined, cause: unknown): void {
    if (!this.#live) return;
    const error = this.#error(`${what} at ${this.#where}`, cause);
    this.#reports.add(error.message, 1, () => this.#report(error, stage, channel));
  }

  #error(what: string, cause: unknown): Error {
    return explained(what, cause, this.#identity.secrets);
  }

  /** Reports in a later microtask, never within the caller's call. */
  #reportLater(error: Error, channel: string): void {
    queueMicrotask(() => this.#report(error, "publish", channel));
  }

  #report(error: Error, stage: AdapterStage, channel?: string, foreign?: number): void {
    this.#onError?.(error, { stage, ...channel !== undefined && { channel }, ...foreign && { foreign } });
  }
}
