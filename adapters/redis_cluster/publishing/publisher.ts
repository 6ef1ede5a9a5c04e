/**
 * The publishing connection to one shard.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { ClusterLink, ClusterLinkEvents } from "../link.ts";
import type { Outgoing, Route } from "./outbox.ts";
import { inTime } from "../../kit/deadline.ts";
import type { FailureKind } from "../../kit/failure.ts";
import { Keeper } from "../../kit/keeper.ts";
import { whenReady } from "../../kit/redis/link.ts";

/** Options of {@linkcode Publisher}. */
export interface PublisherOptions {
  /** `host:port`. */
  readonly address: string;
  readonly clock: Clock;
  /** How long connecting may take. */
  readonly connectTimeoutMs: number;
  /** How long an answer may take. */
  readonly answerMs: number;
  connect(events: ClusterLinkEvents): ClusterLink | Promise<ClusterLink>;
  /** Tests whether a new connection can publish. */
  prepare(link: ClusterLink): Promise<void>;
  /** The connection is ready. */
  onReady(): void;
  /** The connection is lost. */
  onLost(cause: unknown): void;
  /** The connection could not be made. */
  onFailure(cause: unknown): FailureKind;
}

/** The publisher of one shard. */
export class Publisher implements Route {
  readonly address: string;
  readonly #options: PublisherOptions;
  readonly #keeper: Keeper<ClusterLink>;
  #link: ClusterLink | undefined;
  #batch: Outgoing[] = [];
  #checking = false;
  #failed = false;

  /** @param options The options. */
  constructor(options: PublisherOptions) {
    this.#options = options;
    const { address, clock, connectTimeoutMs, connect, prepare, onReady, onFailure } = options;
    this.address = address;
    this.#keeper = new Keeper({
      clock,
      connectTimeoutMs,
      answerTimeoutMs: connectTimeoutMs,
      connect: (onLost, signal) =>
        whenReady(connect({ onLost, onMessage: () => {}, onEvicted: () => {} }), signal),
      destroy: (link) => link.destroy(),
      prepare: (link, within) => within(prepare(link), "No answer"),
      onUp: (link) => {
        this.#link = link;
        this.#failed = false;
        onReady();
      },
      onDown: (cause) => {
        if (this.#link) this.#lost(this.#link, cause);
      },
      onFailure: (cause) => {
        this.#failed = true;
        return onFailure(cause);
      },
    });
    this.#keeper.start();
  }

  get ready(): boolean {
    return this.#link !== undefined;
  }

  /** Whether there is no connection although one was tried: the last one is lost, or could not be made. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The connection, while there is one. */
  get link(): ClusterLink | undefined {
    return this.#link;
  }

  send(message: Outgoing): void {
    if (this.#batch.length === 0) queueMicrotask(() => void this.#flush());
    this.#batch.push(message);
  }

  /** Tests whether the connection is alive, and gives it up when it does not answer in time. */
  async check(): Promise<void> {
    const link = this.#link;
    if (!link || this.#checking) return;
    const { clock, answerMs } = this.#options;
    this.#checking = true;
    await inTime(clock, answerMs, link.ping(), "it does not answer").catch((error) => this.drop(link, error));
    this.#checking = false;
  }

  /** Gives up a connection that turned out to be dead. */
  drop(link: ClusterLink, cause: Error): void {
    this.#keeper.drop(link, cause);
    this.#lost(link, cause);
  }

  /** Closes permanently. */
  async close(): Promise<void> {
    this.#link = undefined;
    await this.#keeper.close();
  }

  #lost(link: ClusterLink, cause: unknown): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#failed = true;
    this.#options.onLost(cause);
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    const gone = new Error("The connection is closed");
    const results = await this.#link?.publish(batch) ?? batch.map(() => gone);
    batch.forEach((message, i) => message.outbox.settled(message, results[i] ?? gone));
  }
}
