/**
 * The channels that a node wants to subscribe to. It subscribes to them on the present connection. They stay wanted
 * when a connection is lost, and are subscribed again on the next one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { Within } from "./keeper.ts";
import { Waiters } from "./waiters.ts";

/** The pause before the next try, when a channel that was live is refused now, in milliseconds. */
const RETRY_MS = 5_000;

/** The part of a connection that {@linkcode Wanted} needs. */
export interface SubscribingLink {
  /**
   * Subscribes to channels, by the engine's names. When it resolves, all channels without an error at their index are
   * live. Rejects when the connection does not work.
   */
  subscribe(names: readonly string[]): Promise<readonly (Error | undefined)[] | void>;
  /** Ends subscriptions. Rejects when the engine refuses, or the connection is gone. */
  unsubscribe(names: readonly string[]): Promise<void>;
  /** The connection does not work. */
  onBroken(cause: Error): void;
}

/** Options of {@linkcode Wanted}. */
export interface WantedOptions {
  readonly clock: Clock;
  /** How many channels one command may name: an engine does one command at a time. */
  readonly batchSize: number;
  /** The engine refuses a channel that was live before. It is tried again later. */
  onRefused(channel: string, error: Error): void;
  /** A channel is live again after a refusal. */
  onBack(channel: string): void;
}

interface Entry {
  /** The hub's name of the channel. */
  readonly channel: string;
  /** `new` until the channel is live for the first time. Until then a caller waits, and gets the error of a refusal. */
  state: "new" | "live" | "refused";
  readonly live: PromiseWithResolvers<void>;
}

/** The wanted channels, by the engine's names. */
export class Wanted {
  readonly #options: WantedOptions;
  readonly #entries = new Map<string, Entry>();
  /** The channels that the present connection subscribes to. */
  readonly #held = new Set<string>();
  /**
   * Channels with a command under way. There is one command at a time per channel, so that commands take effect in
   * order.
   */
  readonly #busy = new Set<string>();
  /** Channels whose state has to be checked. */
  readonly #dirty = new Set<string>();
  readonly #leaving = new Waiters<string>();
  #link: SubscribingLink | undefined;
  #cancelRetry: (() => void) | undefined;
  #closed: Error | undefined;

  /** @param options The options. */
  constructor(options: WantedOptions) {
    this.#options = options;
  }

  /** The hub's name of a wanted channel. */
  channelOf(name: string): string | undefined {
    return this.#entries.get(name)?.channel;
  }

  /**
   * Subscribes to all wanted channels on a new connection, which has no subscription yet.
   *
   * @param link The connection.
   * @param within Limits how long each answer may take.
   * @returns Resolves when all channels are live, except those that the engine refuses. Rejects when the connection
   * does not work.
   */
  async attach(link: SubscribingLink, within: Within): Promise<void> {
    this.#forget();
    this.#link = link;
    this.#dirty.clear();
    // All commands are under way. Each answer has its own time limit, so many channels may take longer together.
    const joins = this.#batches([...this.#entries.keys()]).map((names) => this.#join(link, names));
    for (const join of joins) join.catch(() => {}); // an earlier failure may end this loop before it waits for this one
    for (const join of joins) await within(join, "No answer to a subscribe");
  }

  /** The connection is gone. Channels stay wanted, and pending `subscribe` calls go on waiting. */
  detach(): void {
    this.#link = undefined;
    this.#forget();
  }

  /**
   * Adds a wanted channel.
   *
   * @param name The engine's name of the channel.
   * @param channel The hub's name of the channel.
   * @param signal Removes the channel again, if it is not live by then.
   * @returns Resolves when the channel is live, on this connection or a later one. Rejects when the engine refuses it.
   */
  subscribe(name: string, channel: string, signal?: AbortSignal): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(signal.reason);
    let entry = this.#entries.get(name);
    if (!entry) {
      entry = { channel, state: "new", live: Promise.withResolvers() };
      entry.live.promise.catch(() => {}); // it may fail when no caller waits any more
      this.#entries.set(name, entry);
      this.#touch(name);
    }
    if (!signal) return entry.live.promise;
    const { live } = entry;
    const abort = () => this.#remove(name, signal.reason);
    signal.addEventListener("abort", abort);
    return live.promise.finally(() => signal.removeEventListener("abort", abort));
  }

  /**
   * Removes a wanted channel.
   *
   * @param name The engine's name of the channel.
   * @returns Resolves when no message of it comes any more; rejects when the engine refuses.
   */
  async unsubscribe(name: string): Promise<void> {
    this.#remove(name, new Error("it was unsubscribed meanwhile"));
    if (!this.#link || !(this.#held.has(name) || this.#busy.has(name))) return;
    await this.#leaving.wait(name);
  }

  /** The engine has ended a subscription that was live. */
  refused(name: string, error: Error): void {
    if (!this.#held.delete(name) || !this.#entries.has(name)) return;
    this.#refused(name, error);
  }

  /** Removes all wanted channels, and refuses later calls. */
  close(error: Error): void {
    this.#closed = error;
    this.detach();
    this.#cancelRetry?.();
    for (const { live } of this.#entries.values()) live.reject(error);
    this.#entries.clear();
  }

  #remove(name: string, error: unknown): void {
    this.#entries.get(name)?.live.reject(error);
    this.#entries.delete(name);
    this.#touch(name);
  }

  /** All subscriptions are gone with the connection. */
  #forget(): void {
    this.#held.clear();
    this.#busy.clear();
    this.#leaving.settleAll();
  }

  /** The state of a channel has changed. All changes of one turn are checked together. */
  #touch(name: string): void {
    if (!this.#link) return;
    if (this.#dirty.size === 0) this.#options.clock.endOfTurn(() => this.#look());
    this.#dirty.add(name);
  }

  #look(): void {
    const link = this.#link;
    const [joins, leaves]: [string[], string[]] = [[], []];
    for (const name of this.#dirty) {
      if (!link || this.#busy.has(name)) continue; // checked again when its command is answered
      const [wanted, held] = [this.#entries.has(name), this.#held.has(name)];
      if (wanted && !held) joins.push(name);
      else if (!wanted && held) leaves.push(name);
      else if (wanted) this.#joined(name); // it was removed and added again in one turn
      else this.#leaving.settle(name);
    }
    this.#dirty.clear();
    if (!link) return;
    for (const names of this.#batches(leaves)) void this.#leave(link, names);
    for (const names of this.#batches(joins)) this.#join(link, names).catch(() => {});
  }

  #batches(names: readonly string[]): string[][] {
    const { batchSize } = this.#options;
    const starts = Array.from({ length: Math.ceil(names.length / batchSize) }, (_, i) => i * batchSize);
    return starts.map((start) => names.slice(start, start + batchSize));
  }

  /** Rejects when the connection does not work. */
  async #join(link: SubscribingLink, names: readonly string[]): Promise<void> {
    let refusals: readonly (Error | undefined)[] | void;
    for (const name of names) this.#busy.add(name);
    try {
      refusals = await link.subscribe(names);
    } catch (error) {
      if (link === this.#link) link.onBroken(error as Error);
      throw error;
    }
    if (link !== this.#link) throw new Error("The connection is gone");
    for (const [i, name] of names.entries()) {
      const refusal = refusals?.[i];
      this.#busy.delete(name);
      if (!refusal) this.#held.add(name);
      if (!this.#entries.has(name)) this.#touch(name);
      else if (refusal) this.#refused(name, refusal);
      else this.#joined(name);
    }
  }

  #joined(name: string): void {
    const entry = this.#entries.get(name)!;
    const back = entry.state === "refused";
    entry.state = "live";
    entry.live.resolve();
    this.#leaving.settle(name); // it was added again before its subscription ended
    if (back) this.#options.onBack(entry.channel);
  }

  /** The waiting caller gets the refusal. Without one, the hub gets it. */
  #refused(name: string, error: Error): void {
    const entry = this.#entries.get(name)!;
    if (entry.state === "new") {
      this.#entries.delete(name);
      return entry.live.reject(error);
    }
    if (entry.state === "live") this.#options.onRefused(entry.channel, error);
    entry.state = "refused";
    this.#cancelRetry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      for (const [name, { state }] of this.#entries) if (state === "refused") this.#touch(name);
    });
  }

  async #leave(link: SubscribingLink, names: readonly string[]): Promise<void> {
    for (const name of names) this.#busy.add(name);
    const left = Promise.try(() => link.unsubscribe(names));
    const error = await left.then(() => undefined, (error: Error) => error);
    if (link !== this.#link) return;
    for (const name of names) {
      this.#busy.delete(name);
      this.#held.delete(name);
      this.#leaving.settle(name, error);
      if (this.#entries.has(name)) this.#touch(name);
    }
  }
}
