/**
 * The subscriptions of one partition, and the one connection at a time on which they live.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { HOLD_MS } from "./outbox.ts";

/** The connection to a shard, as a partition sees it. */
export interface Home {
  /** Takes the partition on: from now on its subscriptions are brought to life there. */
  adopt(interests: Interests): void;
  /** Lets go of it: resolves when nothing of it can come from there any more. */
  release(interests: Interests): Promise<void>;
  /** Something has changed about a channel of the partition. */
  touch(interests: Interests, name: string): void;
  /** Resolves when nothing comes on a channel any more, or it is wanted again. */
  left(interests: Interests, name: string): Promise<void>;
}

interface Interest {
  /** What the hub calls it; `undefined` for the channel of probes. */
  readonly channel: string | undefined;
  /**
   * `new` ones were never live; `moving` and `lost` ones were. What has moved for as long as messages wait is lost.
   */
  state: "new" | "live" | "moving" | "lost";
  readonly live: PromiseWithResolvers<void>;
}

/** What {@linkcode Interests} needs. */
export interface InterestsOptions {
  readonly slot: number;
  /** The name of the channel by which this node probes the partition's subscription. */
  readonly probe: string;
  /** All channels of the node, by their names in Redis; kept up by the partitions. */
  readonly directory: Map<string, Interests>;
  readonly clock: Clock;
  /** Whether subscriptions are lost has changed. */
  onChange(): void;
  /** Messages of these channels may have been missed while they moved; they are live again. */
  onGap(channels: readonly string[]): void;
}

/** The subscriptions of a partition. */
export class Interests {
  readonly slot: number;
  readonly probe: string;
  readonly #options: InterestsOptions;
  readonly #entries = new Map<string, Interest>();
  #lost = 0;
  #inMotion = 0;
  /** Whether it has come to another shard with channels that were live. */
  #hasMoved = false;
  #cancelMove = () => {};
  #home: Home | undefined;
  #target: Home | undefined;
  #moving = false;
  #closed = false;

  /** @param options What it needs. */
  constructor(options: InterestsOptions) {
    this.#options = options;
    this.slot = options.slot;
    this.probe = options.probe;
  }

  /** Where it lives; what comes from elsewhere is late. */
  get home(): Home | undefined {
    return this.#home;
  }

  /** Whether a subscription that was live is not. */
  get broken(): boolean {
    return this.#lost > 0;
  }

  /** All names that are wanted, that of probes among them. */
  get names(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Whether a channel is wanted. */
  wants(name: string): boolean {
    return this.#entries.has(name);
  }

  /** What the hub calls a channel that is wanted. */
  channelOf(name: string): string | undefined {
    return this.#entries.get(name)?.channel;
  }

  /**
   * Wants a channel.
   *
   * @param channel What the hub calls it.
   * @param name Its name in Redis.
   * @param signal Wants it no more, if it is not live by then.
   * @returns Resolves when it is live, wherever that will be; rejects when Redis refuses it, or nobody wants it any more.
   */
  async subscribe(channel: string, name: string, signal?: AbortSignal): Promise<void> {
    let entry = this.#entries.get(name);
    if (!entry) {
      if (this.#entries.size === 0) this.#add(this.probe, undefined);
      entry = this.#add(name, channel);
      void this.#settle();
    }
    const { live } = entry;
    const abort = () => void this.unsubscribe(name, signal!.reason);
    signal?.addEventListener("abort", abort);
    await live.promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  /**
   * Wants a channel no more.
   *
   * @param name Its name in Redis.
   * @param why What those are told who wait for it.
   * @returns Resolves when nothing of it comes any more.
   */
  async unsubscribe(name: string, why: Error = new Error("it was unsubscribed meanwhile")): Promise<void> {
    this.#remove(name, why);
    const home = this.#home;
    home?.touch(this, name);
    void this.#settle();
    await home?.left(this, name);
  }

  /** A channel is live. */
  acked(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.state === "live") return;
    this.#turn(entry, "live");
    entry.live.resolve();
    if (this.#lost + this.#inMotion === 0) this.#arrived();
  }

  /**
   * A channel is not live any more.
   *
   * @param name Its name in Redis.
   * @param moving Whether it is only in doubt, or will be live elsewhere in a moment.
   */
  dropped(name: string, moving: boolean = this.#moving): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.state === "new" || entry.state === "lost") return;
    this.#turn(entry, moving ? "moving" : "lost");
  }

  /**
   * Redis refuses a channel.
   *
   * @returns Whether somebody is told; a channel that was live before stays wanted.
   */
  refused(name: string, error: Error): boolean {
    const entry = this.#entries.get(name);
    if (entry?.state !== "new" || entry.channel === undefined) return false;
    this.#remove(name, error);
    void this.#settle();
    return true;
  }

  /** Moves to another connection, as soon as the present one has let go. */
  moveTo(home: Home | undefined): void {
    this.#target = home;
    void this.#settle();
  }

  /** Wants nothing any more. */
  close(error: Error): void {
    this.#closed = true;
    this.#cancelMove();
    for (const name of [...this.#entries.keys()]) this.#remove(name, error);
  }

  #add(name: string, channel: string | undefined): Interest {
    const entry: Interest = { channel, state: "new", live: Promise.withResolvers() };
    entry.live.promise.catch(() => {}); // it may fail when nobody waits any more
    this.#entries.set(name, entry);
    this.#options.directory.set(name, this);
    this.#home?.touch(this, name);
    return entry;
  }

  #remove(name: string, error: Error): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#entries.delete(name);
    this.#options.directory.delete(name);
    this.#turn(entry, "new");
    entry.live.reject(error);
    // The probe is there for the others.
    if (this.#entries.size === 1 && this.#entries.has(this.probe)) {
      this.#remove(this.probe, error);
      this.#home?.touch(this, this.probe);
    }
  }

  /** Counts what is lost and what moves. */
  #turn(entry: Interest, state: Interest["state"]): void {
    const [wasBroken, moved] = [this.broken, this.#inMotion > 0];
    this.#lost += Number(state === "lost") - Number(entry.state === "lost");
    this.#inMotion += Number(state === "moving") - Number(entry.state === "moving");
    entry.state = state;
    if (moved !== this.#inMotion > 0) {
      this.#cancelMove();
      if (!moved) this.#cancelMove = this.#options.clock.after(HOLD_MS, () => this.#stuck());
    }
    if (this.broken !== wasBroken) this.#options.onChange();
  }

  /** What has moved for so long is lost. */
  #stuck(): void {
    for (const entry of this.#entries.values()) if (entry.state === "moving") this.#turn(entry, "lost");
  }

  /** Everything is live. What was lost the hub has heard of. */
  #arrived(): void {
    if (!this.#hasMoved) return;
    this.#hasMoved = false;
    const channels = [...this.#entries.values()].flatMap(({ channel }) => channel ?? []);
    if (channels.length > 0) this.#options.onGap(channels);
  }

  /**
   * Ends on the old connection before it begins on the new one: what was published through the old shard comes before
   * what was published through the new one, and nothing comes from both.
   */
  async #settle(): Promise<void> {
    if (this.#moving) return;
    this.#moving = true;
    const wanted = () => this.#entries.size > 0 ? this.#target : undefined;
    while (!this.#closed && this.#home !== wanted()) {
      await this.#home?.release(this);
      if (this.#closed) break;
      this.#hasMoved = this.#inMotion > 0 && !this.broken;
      this.#home = wanted();
      this.#home?.adopt(this);
    }
    this.#moving = false;
  }
}
