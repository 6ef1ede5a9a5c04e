/**
 * An adapter that takes messages before it is open. Early messages wait, in order, up to a limit of time and of
 * bytes. For emitters, which send some messages and then exit.
 *
 * @module
 */

import type { Adapter, AdapterContext, AdapterData } from "../../adapters/adapter.ts";
import { callSafely, type Clock, HubError, utf8Size } from "../../contract/mod.ts";
import { Drops } from "../connection/drops.ts";

/** The options of {@linkcode EarlyAdapter}. */
export interface EarlyAdapterOptions {
  /** The adapter beneath. */
  readonly adapter: Adapter;
  /** The clock for timeouts. */
  readonly clock: Clock;
  /** How long the adapter may take to open, in milliseconds. */
  readonly timeoutMs: number;
  /** How many bytes of messages may wait until it is open. */
  readonly maxWaitingBytes: number;
}

/** See the module. */
export class EarlyAdapter implements Adapter {
  readonly name: string;
  readonly solitary: boolean;
  readonly #options: EarlyAdapterOptions;
  readonly #opened = Promise.withResolvers<void>();
  /** The early messages; `undefined` once the adapter is open or has taken too long. */
  #waiting: { readonly channel: string; readonly data: AdapterData }[] | undefined = [];
  #waitingBytes = 0;
  #isOpen = false;
  /** Whether the adapter failed to open. It has then closed itself, or another hub uses it. */
  #refused = false;
  /** Why it is not open. */
  #reason = "it is not open";
  #context: AdapterContext | undefined;
  #drops: Drops | undefined;
  #stop = () => {};

  /** @param options Its options. */
  constructor(options: EarlyAdapterOptions) {
    this.#options = options;
    this.name = options.adapter.name;
    this.solitary = options.adapter.solitary === true;
    this.#opened.promise.catch(() => {}); // callers of `opened` get the error
  }

  get maxMessageBytes(): number | undefined {
    return this.#options.adapter.maxMessageBytes;
  }

  /** Resolves when the adapter beneath is open; rejects when its `open` fails or takes too long. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Begins to open the adapter. Messages that are published meanwhile wait. */
  open(context: AdapterContext): Promise<void> {
    const { adapter, clock, timeoutMs } = this.#options;
    this.#context = context;
    this.#drops = new Drops(clock, (error, channel) => {
      context.onError(error as Error, { stage: "publish", channel });
    });
    const late = new HubError("UNAVAILABLE", `Backplane ${this.name} is not open after ${timeoutMs} ms`);
    this.#stop = clock.after(timeoutMs, () => this.#giveUp(late));
    begin(adapter, context).then(() => {
      this.#stop();
      this.#isOpen = true;
      this.#opened.resolve();
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const { channel, data } of waiting) {
        callSafely(
          () => adapter.publish(channel, data),
          (error) => context.onError(error as Error, { stage: "publish", channel }),
        );
      }
    }, (error) => {
      this.#refused = true;
      this.#giveUp(error);
    });
    return Promise.resolve();
  }

  subscribe(channel: string): Promise<void> {
    return this.#options.adapter.subscribe(channel);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#options.adapter.unsubscribe(channel);
  }

  publish(channel: string, data: AdapterData): void {
    if (this.#isOpen) return this.#options.adapter.publish(channel, data);
    const bytes = utf8Size(data);
    if (!this.#waiting) return this.#lost(channel, this.#reason);
    if (this.#waitingBytes + bytes > this.#options.maxWaitingBytes) {
      return this.#lost(channel, "it is not open, and more than maxWaitingBytes wait for it");
    }
    this.#waitingBytes += bytes;
    this.#waiting.push({ channel, data });
  }

  async close(): Promise<void> {
    if (this.#waiting && this.#waiting.length > 0) await this.#opened.promise.catch(() => {});
    this.#stop();
    this.#opened.reject(new HubError("UNAVAILABLE", `Backplane ${this.name} was closed before it was open`));
    if (!this.#refused) await this.#options.adapter.close();
    this.#drops?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Stops waiting for the adapter to open, and reports the waiting messages as lost. */
  #giveUp(error: Error): void {
    this.#stop();
    this.#reason = error.message;
    this.#opened.reject(error);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const { channel } of waiting) this.#lost(channel, this.#reason);
  }

  #lost(channel: string, why: string): void {
    const error = new HubError("UNAVAILABLE", `Cannot publish on "${channel}" over ${this.name}: ${why}`);
    this.#drops?.add(error, channel);
  }
}

/** Opens an adapter; an error that `open` throws becomes a rejection. */
async function begin(adapter: Adapter, context: AdapterContext): Promise<void> {
  await adapter.open(context);
}
