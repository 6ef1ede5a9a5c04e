/**
 * The subscriber connection to one shard. In rounds, it brings its subscriptions to the state that its partitions want.
 *
 * A round has either joins or leaves, and a ping after them. It never has both: when a slot leaves a node, the node
 * ends subscriptions by itself, and its message looks like the answer to a leave. So it is uncertain which leave an
 * answer belongs to. After the ping answers match commands again.
 *
 * @module
 */

import { isForNow, readMoved } from "../errors.ts";
import { batches, Held } from "./held.ts";
import type { Home, Interests } from "./interests.ts";
import { Probes } from "./probes.ts";
import type { SubscriberOptions } from "./subscriber_options.ts";
import { type NamesByPartition, planRound, type Round } from "./round.ts";
import type { ClusterLink } from "../link.ts";
import { inTime } from "../../kit/deadline.ts";
import { Keeper } from "../../kit/keeper.ts";
import { isReply } from "../../kit/redis/errors.ts";
import { whenReady } from "../../kit/redis/link.ts";
import { Waiters } from "../../kit/waiters.ts";

/** The most channels in one command: Redis does one command at a time. */
const BATCH_SIZE = 500;
const FIRST_RETRY_MS = 25;
const MAX_RETRY_MS = 1_000;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The subscriber of one shard. */
export class Subscriber implements Home {
  readonly #options: SubscriberOptions;
  readonly #served = new Set<Interests>();
  readonly #held = new Held();
  /** Channels whose state has to be checked. */
  readonly #dirty = new Map<string, Interests>();
  /** The channels of commands under way. */
  readonly #joining = new Map<string, Interests>();
  readonly #leaving = new Waiters<string>();
  readonly #releasing = new Waiters<Interests>();
  readonly #probes = new Probes();
  #keeper: Keeper<ClusterLink> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #link: ClusterLink | undefined;
  #running = false;
  /** How often subscriptions became uncertain. */
  #evictions = 0;
  #doubting = false;
  #retryMs = FIRST_RETRY_MS;
  #cancelRetry = () => {};
  #closed = false;

  /** @param options The options. */
  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  /** The connection, while there is one. */
  get link(): ClusterLink | undefined {
    return this.#link;
  }

  /** Whether no partition needs the connection. */
  get idle(): boolean {
    return this.#served.size === 0 && this.#held.empty;
  }

  adopt(interests: Interests): void {
    this.#served.add(interests);
    this.#open();
    for (const name of interests.names) this.touch(interests, name);
  }

  async release(interests: Interests): Promise<void> {
    this.#served.delete(interests);
    if (!this.#held.has(interests)) return;
    for (const [, name] of this.#held.entries(interests)) this.#dirty.set(name, interests);
    this.#run();
    await this.#releasing.wait(interests);
  }

  touch(interests: Interests, name: string): void {
    // A new connection checks all channels.
    if (!this.#link) return;
    this.#dirty.set(name, interests);
    this.#run();
  }

  async left(interests: Interests, name: string): Promise<void> {
    if (!this.#link || (this.#held.get(interests, name) === undefined && !this.#dirty.has(name))) return;
    await this.#leaving.wait(name);
  }

  /** Closes the connection while no partition needs it. */
  rest(): void {
    const keeper = this.#keeper;
    if (!keeper || !this.idle) return;
    this.#keeper = undefined;
    this.#link = undefined;
    this.#cancelRetry();
    this.#forget();
    this.#closing = keeper.close();
  }

  /** Gives up a connection that turned out to be dead. */
  drop(link: ClusterLink, cause: Error): void {
    this.#keeper?.drop(link, cause);
    this.#lost(link, cause);
  }

  /** Closes permanently. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry();
    const keeper = this.#keeper;
    this.#keeper = undefined;
    this.#link = undefined;
    this.#forget();
    await Promise.all([keeper?.close(), this.#closing]);
  }

  /**
   * Tests whether the connection is alive: whether it answers, and whether a message to one of its partitions comes
   * back on it. It takes the partitions in turn.
   *
   * @param publish Publishes on the shard's other connection. Resolves with whether the shard accepted the message.
   */
  async check(publish: (channel: string, data: string) => Promise<boolean>): Promise<void> {
    const link = this.#link;
    if (!link || this.#probes.running) return;
    // a running round has its own ping
    if (!this.#running) void this.#expect(link, link.ping(), "it does not answer");
    const interests = this.#probes.next([...this.#served].filter((one) => this.#held.get(one, one.probe)));
    if (!interests) return;
    const [back] = await this.#probes.send((token) => publish(interests.probe, token));
    await this.#expect(link, back, "it answers, but delivers nothing", () => !this.#served.has(interests));
    this.#probes.end();
  }

  /** A probe's message has come. */
  probed(token: string): void {
    this.#probes.came(token);
  }

  #open(): void {
    if (this.#keeper || this.#closed) return;
    const { clock, connectTimeoutMs, connect, onMessage, onTrouble, onFailure } = this.#options;
    const keeper = new Keeper<ClusterLink>({
      clock,
      connectTimeoutMs,
      answerTimeoutMs: connectTimeoutMs,
      connect: async (onLost, signal) => {
        const link: ClusterLink = await connect({
          onLost,
          onEvicted: () => this.#evicted(link),
          onMessage: (channel, data) => {
            if (this.#link === link) onMessage(decoder.decode(channel), data);
          },
        });
        return await whenReady(link, signal);
      },
      destroy: (link) => link.destroy(),
      prepare: () => Promise.resolve(),
      onUp: (link) => {
        this.#link = link;
        this.#retryMs = FIRST_RETRY_MS;
        this.#touchAll();
      },
      onDown: (cause) => {
        if (this.#link) this.#lost(this.#link, cause);
      },
      onFailure: (cause) => {
        onTrouble();
        return onFailure(cause);
      },
    });
    this.#keeper = keeper;
    // There is one connection at a time.
    void this.#closing.then(() => {
      if (this.#keeper === keeper) keeper.start();
    });
  }

  #touchAll(): void {
    for (const interests of this.#served) {
      for (const name of interests.names) this.touch(interests, name);
    }
  }

  #lost(link: ClusterLink, cause: unknown): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#forget();
    this.#options.onLost(cause);
  }

  /** Subscriptions may be gone again, and a running probe proves nothing. */
  #doubt(): void {
    this.#evictions++;
    this.#probes.excuse();
  }

  /** All subscriptions are gone with the connection. */
  #forget(): void {
    this.#doubt();
    for (const [interests, name] of this.#held.entries()) interests.dropped(name);
    this.#held.clear();
    this.#dirty.clear();
    this.#leaving.settleAll();
    this.#settleReleases();
  }

  /**
   * The node has ended subscriptions. It says so once for each, so this waits for those that come together. Then all
   * subscriptions are sent again; for live ones this has no effect.
   */
  #evicted(link: ClusterLink): void {
    if (link !== this.#link) return;
    this.#doubt();
    // These may be back at the end of the turn.
    const left = this.#joining.size > 0 ? link.channels : undefined;
    for (const [name, interests] of this.#joining) if (!left!.has(name)) interests.ended(name);
    if (this.#doubting) return;
    this.#doubting = true;
    queueMicrotask(() => {
      this.#doubting = false;
      this.#resubscribe();
    });
  }

  #resubscribe(): void {
    const left = this.#link?.channels;
    for (const [interests, name] of this.#held.entries()) {
      this.#held.set(interests, name, false);
      if (left?.has(name)) interests.dropped(name, true);
      else interests.ended(name);
      this.#dirty.set(name, interests);
    }
    this.#options.onTrouble();
    this.#run();
  }

  /** Starts at the end of the turn, so that the changes of one turn go in one round. */
  #run(): void {
    if (this.#running || !this.#link || this.#dirty.size === 0) return;
    this.#running = true;
    queueMicrotask(() => void this.#rounds());
  }

  async #rounds(): Promise<void> {
    for (;;) {
      const link = this.#link;
      const { joins, leaves } = this.#plan();
      this.#settleReleases();
      if (!link || joins.size + leaves.size === 0) break;
      const round = leaves.size > 0 ? this.#leave(link, leaves) : Promise.all([
        ...[...joins].flatMap(([interests, names]) => this.#join(link, interests, names)),
        link.ping(),
      ]);
      await this.#expect(link, round, "it does not answer");
    }
    this.#running = false;
  }

  /** Finds the commands to send, and settles channels that need none. */
  #plan(): Round {
    const round = planRound(this.#dirty, this.#held, this.#served);
    for (const [name, interests] of round.done) {
      this.#dirty.delete(name);
      this.#leaving.settle(name);
      if (this.#held.get(interests, name)) interests.acked(name);
    }
    return round;
  }

  #join(link: ClusterLink, interests: Interests, names: readonly string[]): Promise<void>[] {
    const evictions = this.#evictions;
    return batches(names, BATCH_SIZE).map(async (batch) => {
      // From now on the node may have it, so the partition cannot be let go without a leave.
      for (const name of batch) {
        this.#held.set(interests, name, false);
        this.#joining.set(name, interests);
      }
      try {
        await link.subscribe(batch);
      } catch (error) {
        return await this.#joinFailed(link, interests, batch, error as Error);
      } finally {
        for (const name of batch) this.#joining.delete(name);
      }
      if (link !== this.#link) return;
      const sure = evictions === this.#evictions;
      for (const name of batch) {
        this.#held.set(interests, name, sure);
        if (sure) interests.acked(name);
      }
      this.#retryMs = FIRST_RETRY_MS;
    });
  }

  async #joinFailed(
    link: ClusterLink,
    interests: Interests,
    names: readonly string[],
    error: Error,
  ): Promise<void> {
    if (link !== this.#link) return;
    const moved = readMoved(error);
    if (moved && moved.slot !== interests.slot) throw new Error("its answers do not match its commands");
    if (isForNow(error)) {
      // The connection does not subscribe to them any more, if it ever did.
      for (const name of names) {
        interests.ended(name);
        this.#gone(interests, name);
      }
      if (moved) this.#options.onMoved(moved);
      else this.#options.onTrouble();
      return this.#retryLater();
    }
    // Without an answer it is not a refusal: the connection is ending.
    if (!isReply(error)) throw error;
    // If Redis refuses one channel, as an ACL does, it refuses the whole command. Then each channel is subscribed
    // alone.
    if (names.length > 1) {
      await Promise.all(names.map((name) => Promise.all(this.#join(link, interests, [name]))));
      return;
    }
    const [name] = names as [string];
    this.#gone(interests, name);
    const channel = interests.channelOf(name);
    if (interests.refused(name, error)) this.#options.onRefused(error, channel);
    if (interests.wants(name)) this.#retryLater();
  }

  async #leave(link: ClusterLink, leaves: NamesByPartition): Promise<void> {
    const refusals = await link.unsubscribe(
      [...leaves.values()].flatMap((names) => batches(names, BATCH_SIZE)),
    );
    if (link !== this.#link) return;
    const slots = new Set([...leaves.keys()].map(({ slot }) => slot));
    // A node without the slot has no subscriptions in it.
    const other = refusals.find((error) => !slots.has(readMoved(error)?.slot ?? NaN));
    if (other) throw other;
    for (const [interests, names] of leaves) {
      for (const name of names) {
        this.#held.delete(interests, name);
        interests.dropped(name); // checked again: the channel may be wanted by now
      }
    }
  }

  /** This connection does not subscribe to the channel for now. */
  #gone(interests: Interests, name: string): void {
    this.#held.delete(interests, name);
    this.#dirty.delete(name);
    this.#leaving.settle(name);
  }

  #settleReleases(): void {
    for (const interests of this.#releasing.keys) {
      if (!this.#held.has(interests)) this.#releasing.settle(interests);
    }
  }

  #retryLater(): void {
    this.#cancelRetry();
    this.#cancelRetry = this.#options.clock.after(this.#retryMs, () => this.#touchAll());
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  /** Gives up the connection unless a promise resolves in time. */
  async #expect(
    link: ClusterLink,
    done: Promise<unknown>,
    what: string,
    excuse = () => false,
  ): Promise<void> {
    const { clock, answerMs } = this.#options;
    try {
      await inTime(clock, answerMs, done, what);
    } catch (error) {
      if (link === this.#link && !excuse()) this.drop(link, error as Error);
    }
  }
}
