/**
 * Which channels a node wants, and bringing whatever connection there is to that: what is wanted stays so when a connection
 * is lost, and is subscribed on the next one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { Within } from "./keeper.ts";
import { Waiters } from "./waiters.ts";

/** How soon a channel is asked for again that was live and is refused now, in milliseconds. */
const RETRY_MS = 5_000;

/** What {@linkcode Wanted} needs of a connection. */
export interface SubscribingLink {
  /**
   * Subscribes to channels, by the engine's names. All are live when it resolves, but those with an error at their place.
   * Rejects when the connection is of no use.
   */
  subscribe(names: readonly string[]): Promise<readonly (Error | undefined)[] | void>;
  /** Ends subscriptions. Rejects when the engine refuses, or the connection is gone. */
  unsubscribe(names: readonly string[]): Promise<void>;
  /** The connection is of no use. */
  onBroken(cause: Error): void;
}

/** What {@linkcode Wanted} needs. */
export interface WantedOptions {
  readonly clock: Clock;
  /** How many channels one command names at the most: an engine does one command at a time. */
  readonly batchSize: number;
  /** The engine refuses a channel that was live before; it is asked for again later. */
  onRefused(channel: string, error: Error): void;
  /** A channel is live again that was refused meanwhile. */
  onBack(channel: string): void;
}

interface Entry {
  /** What the hub calls it. */
  readonly channel: string;
  /** `new` until it was live once: then somebody waits for it, and hears of a refusal. */
  state: "new" | "live" | "refused";
  readonly live: PromiseWithResolvers<void>;
}

/** The channels, by the engine's names. */
export class Wanted {
  readonly #options: WantedOptions;
  readonly #entries = new Map<string, Entry>();
  /** What the connection of now subscribes to. */
  readonly #held = new Set<string>();
  /** What has a command under way: for one channel there is one at a time, so that the last word stays the last. */
  readonly #busy = new Set<string>();
  /** What has to be looked at. */
  readonly #dirty = new Set<string>();
  readonly #leaving = new Waiters<string>();
  #link: SubscribingLink | undefined;
  #cancelRetry: (() => void) | undefined;
  #closed: Error | undefined;

  /** @param options What it needs. */
  constructor(options: WantedOptions) {
    this.#options = options;
  }

  /** What the hub calls a channel that is wanted. */
  channelOf(name: string): string | undefined {
    return this.#entries.get(name)?.channel;
  }

  /**
   * Subscribes to everything that is wanted on a new connection, which has no subscription yet.
   *
   * @param link The connection.
   * @param within Limits how long each answer may take.
   * @returns Resolves when all is live that the engine does not refuse; rejects when the connection is of no use.
   */
  async attach(link: SubscribingLink, within: Within): Promise<void> {
    this.#forget();
    this.#link = link;
    this.#dirty.clear();
    // They are all on their way; as long as answers come there is hope.
    const joins = this.#batches([...this.#entries.keys()]).map((names) => this.#join(link, names));
    for (const join of joins) join.catch(() => {}); // its turn to be waited for may never come
    for (const join of joins) await within(join, "No answer to a subscribe");
  }

  /** The connection is gone. What is wanted stays so; who waits goes on waiting. */
  detach(): void {
    this.#link = undefined;
    this.#forget();
  }

  /**
   * Wants a channel.
   *
   * @param name Its name with the engine.
   * @param channel What the hub calls it.
   * @param signal Wants it no more, if it is not live by then.
   * @returns Resolves when it is live, be it on a later connection; rejects when the engine refuses it.
   */
  subscribe(name: string, channel: string, signal?: AbortSignal): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(signal.reason);
    let entry = this.#entries.get(name);
    if (!entry) {
      entry = { channel, state: "new", live: Promise.withResolvers() };
      entry.live.promise.catch(() => {}); // it may fail when nobody waits any more
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
   * Wants a channel no more.
   *
   * @param name Its name with the engine.
   * @returns Resolves when nothing of it comes any more; rejects when the engine refuses.
   */
  async unsubscribe(name: string): Promise<void> {
    this.#remove(name, new Error("it was unsubscribed meanwhile"));
    if (!this.#link || !(this.#held.has(name) || this.#busy.has(name))) return;
    await this.#leaving.wait(name);
  }

  /** The engine ends a subscription that was live. */
  refused(name: string, error: Error): void {
    if (!this.#held.delete(name) || !this.#entries.has(name)) return;
    this.#refused(name, error);
  }

  /** Wants nothing any more, and refuses whoever comes. */
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

  /** With the connection everything on it is gone. */
  #forget(): void {
    this.#held.clear();
    this.#busy.clear();
    this.#leaving.settleAll();
  }

  /** Something has changed about a channel. Looked at together with the others of this turn. */
  #touch(name: string): void {
    if (!this.#link) return;
    if (this.#dirty.size === 0) this.#options.clock.endOfTurn(() => this.#look());
    this.#dirty.add(name);
  }

  #look(): void {
    const link = this.#link;
    const [joins, leaves]: [string[], string[]] = [[], []];
    for (const name of this.#dirty) {
      if (!link || this.#busy.has(name)) continue; // looked at again when its command is answered
      const [wanted, held] = [this.#entries.has(name), this.#held.has(name)];
      if (wanted && !held) joins.push(name);
      else if (!wanted && held) leaves.push(name);
      else if (wanted) this.#joined(name); // it was left and wanted again in one turn
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

  /** Rejects when the connection is of no use. */
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
    this.#leaving.settle(name); // it was wanted again before it had left
    if (back) this.#options.onBack(entry.channel);
  }

  /** Whoever waits for it hears of it, and else the hub does. */
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
    const error = await link.unsubscribe(names).then(() => undefined, (error: Error) => error);
    if (link !== this.#link) return;
    for (const name of names) {
      this.#busy.delete(name);
      this.#held.delete(name);
      this.#leaving.settle(name, error);
      if (this.#entries.has(name)) this.#touch(name);
    }
  }
}
