/**
 * The subscriptions of one partition. At any time they are on one connection.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { HOLD_MS } from "../moves.ts";

/** A partition's view of the connection to a shard. */
export interface Home {
  /** Takes the partition on: the connection begins to subscribe to its channels. */
  adopt(interests: Interests): void;
  /** Lets the partition go. Resolves when no message of it can come from this connection any more. */
  release(interests: Interests): Promise<void>;
  /** The state of a channel of the partition has changed. */
  touch(interests: Interests, name: string): void;
  /** Resolves when no message of a channel comes any more, or the channel is wanted again. */
  left(interests: Interests, name: string): Promise<void>;
}

interface Interest {
  /** The hub's name of the channel; `undefined` for the channel of probes. */
  readonly channel: string | undefined;
  /**
   * `new`: never live. `moving`, `lost`: live before. A channel that moves for longer than `HOLD_MS` is lost. `refused`:
   * not live until Redis permits it, which the hub knows.
   */
  state: "new" | "live" | "moving" | "lost" | "refused";
  readonly live: PromiseWithResolvers<void>;
}

/** Options of {@linkcode Interests}. */
export interface InterestsOptions {
  readonly slot: number;
  /** The name of the channel on which this node probes the partition's subscription. */
  readonly probe: string;
  /** All channels of the node, by their names in Redis. Each partition adds and removes its own. */
  readonly directory: Map<string, Interests>;
  readonly clock: Clock;
  /** Called when subscriptions become lost, or are no longer lost, and when they have moved. */
  onChange(): void;
  /** These channels may have missed messages while they moved. They are live again. */
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
  /** Whether channels that were live have moved to another shard, or have been away. */
  #hasMoved = false;
  #cancelMove = () => {};
  #home: Home | undefined;
  #target: Home | undefined;
  #moving = false;
  #closed = false;

  /** @param options The options. */
  constructor(options: InterestsOptions) {
    this.#options = options;
    this.slot = options.slot;
    this.probe = options.probe;
  }

  /** The present connection. Messages from another connection are late. */
  get home(): Home | undefined {
    return this.#home;
  }

  /** Whether a subscription that was live is lost. */
  get broken(): boolean {
    return this.#lost > 0;
  }

  /** Whether all subscriptions that were live are live again, where they should be. */
  get settled(): boolean {
    return this.#lost + this.#inMotion === 0 && !this.#moving;
  }

  /** All wanted names, including the channel of probes. */
  get names(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Whether a channel is wanted. */
  wants(name: string): boolean {
    return this.#entries.has(name);
  }

  /** The hub's name of a wanted channel. */
  channelOf(name: string): string | undefined {
    return this.#entries.get(name)?.channel;
  }

  /**
   * Adds a wanted channel.
   *
   * @param channel The hub's name of the channel.
   * @param name Its name in Redis.
   * @param signal Removes the channel again, if it is not live by then.
   * @returns Resolves when the channel is live, on any connection. Rejects when Redis refuses it, or it is removed.
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
   * Removes a wanted channel.
   *
   * @param name Its name in Redis.
   * @param why The error for calls of `subscribe` that still wait.
   * @returns Resolves when no message of it comes any more.
   */
  async unsubscribe(name: string, why: Error = new Error("it was unsubscribed meanwhile")): Promise<void> {
    this.#remove(name, why);
    const home = this.#home;
    home?.touch(this, name);
    void this.#settle();
    await home?.left(this, name);
  }

  /** The channel is live. */
  acked(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.state === "live") return;
    const { state, channel } = entry;
    this.#turn(entry, "live");
    entry.live.resolve();
    if (state === "refused" && channel !== undefined) this.#options.onGap([channel]);
  }

  /**
   * The channel is not live any more.
   *
   * @param name Its name in Redis.
   * @param moving Whether its state is only uncertain, or it will be live elsewhere in a moment.
   */
  dropped(name: string, moving: boolean = this.#moving): void {
    const entry = this.#entries.get(name);
    if (entry?.state === "live" || entry?.state === "moving") this.#turn(entry, moving ? "moving" : "lost");
  }

  /** The node does not deliver a channel for now, or may not: messages are missed until it is live again. */
  ended(name: string): void {
    const entry = this.#entries.get(name);
    if (entry?.state !== "live" && entry?.state !== "moving") return;
    this.#hasMoved = true;
    this.#turn(entry, "moving");
  }

  /**
   * Redis refuses a channel. A waiting call of `subscribe` gets the error. A channel that was live before stays wanted,
   * and is not lost.
   *
   * @returns Whether the hub must be told: no call gets the error, and it is the first refusal since the channel was live.
   */
  refused(name: string, error: Error): boolean {
    const entry = this.#entries.get(name);
    if (!entry || entry.state === "refused") return false;
    if (entry.state === "new" && entry.channel !== undefined) {
      this.#remove(name, error);
      void this.#settle();
      return false;
    }
    this.#turn(entry, "refused");
    return true;
  }

  /** Moves to another connection, as soon as the present one has let the partition go. */
  moveTo(home: Home | undefined): void {
    this.#target = home;
    void this.#settle();
  }

  /** Removes all wanted channels. */
  close(error: Error): void {
    this.#closed = true;
    this.#cancelMove();
    for (const name of [...this.#entries.keys()]) this.#remove(name, error);
  }

  #add(name: string, channel: string | undefined): Interest {
    const entry: Interest = { channel, state: "new", live: Promise.withResolvers() };
    entry.live.promise.catch(() => {}); // it may fail when no caller waits any more
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
    // The probe is only needed while there are other channels.
    if (this.#entries.size === 1 && this.#entries.has(this.probe)) {
      this.#remove(this.probe, error);
      this.#home?.touch(this, this.probe);
    }
  }

  /** Sets a channel's state, and counts lost and moving channels. */
  #turn(entry: Interest, state: Interest["state"]): void {
    const [wasBroken, moved] = [this.broken, this.#inMotion > 0];
    this.#lost += Number(state === "lost") - Number(entry.state === "lost");
    this.#inMotion += Number(state === "moving") - Number(entry.state === "moving");
    entry.state = state;
    if (moved !== this.#inMotion > 0) {
      this.#cancelMove();
      if (!moved) this.#cancelMove = this.#options.clock.after(HOLD_MS, () => this.#stuck());
    }
    if (this.#lost + this.#inMotion === 0) this.#arrived();
    if (this.broken !== wasBroken || (moved && this.#inMotion === 0)) this.#options.onChange();
  }

  /** Channels that have moved for too long are lost. */
  #stuck(): void {
    for (const entry of this.#entries.values()) if (entry.state === "moving") this.#turn(entry, "lost");
  }

  /** All channels are live, except those that the hub knows of. */
  #arrived(): void {
    if (!this.#hasMoved || this.#closed) return;
    this.#hasMoved = false;
    const channels = [...this.#entries.values()].flatMap(({ channel, state }) =>
      channel !== undefined && state === "live" ? channel : []
    );
    if (channels.length > 0) this.#options.onGap(channels);
  }

  /**
   * Ends the subscriptions on the old connection before it begins on the new one. So messages through the old shard
   * come before messages through the new one, and no message comes twice.
   */
  async #settle(): Promise<void> {
    const wanted = () => this.#entries.size > 0 ? this.#target : undefined;
    if (this.#moving || this.#home === wanted()) return;
    this.#moving = true;
    while (!this.#closed && this.#home !== wanted()) {
      await this.#home?.release(this);
      if (this.#closed) break;
      this.#hasMoved ||= this.#inMotion > 0;
      this.#home = wanted();
      this.#home?.adopt(this);
    }
    this.#moving = false;
    this.#options.onChange();
  }
}
