/**
 * What a node publishes: for each partition a queue that keeps the order across redirects, and for each shard a
 * connection that takes what is published in one turn in one write.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { isForNow, type Moved, readMoved } from "./errors.ts";
import type { RedisMessage } from "../kit/redis/link.ts";

/** For how long a message may wait while its slot moves, in milliseconds. */
export const HOLD_MS = 2_000;
/** Before a shard is asked again that has refused for now, without saying who would not. */
const RETRY_MS = 25;

/** The connection to a shard, as a partition sees it. */
export interface Route {
  /** Whether it takes messages. */
  readonly ready: boolean;
  /** `host:port`. */
  readonly address: string;
  /** Sends a message with those of the same turn, in order; ends in `settled` of its outbox. */
  send(message: Outgoing): void;
}

/** A message on its way. */
export interface Outgoing extends RedisMessage {
  readonly outbox: Outbox;
  /** What the hub calls the channel. */
  readonly of: string;
  /** When it was published. */
  readonly since: number;
}

/** What {@linkcode Outbox} needs. */
export interface OutboxOptions {
  readonly slot: number;
  readonly clock: Clock;
  /** A slot is elsewhere. */
  onMoved(moved: Moved): void;
  /** A shard has refused, and another look at the cluster may explain why. */
  onTrouble(): void;
  /** A message is done with. */
  onSettled(message: Outgoing): void;
  /** A message is lost, or may be. */
  onLost(message: Outgoing, reason: string, cause?: Error): void;
}

/**
 * The messages of one partition. At any time all of them are under way to one shard. When it refuses one because the slot
 * has moved, those behind it wait until all answers are there; then those that were refused go first.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** Where messages go, and where they will once all answers are there. */
  #route: Route | undefined;
  #target: Route | undefined;
  #underWay = 0;
  #refused: Outgoing[] = [];
  #held: Outgoing[] | undefined;
  #retryAt = 0;
  #cancelHold = () => {};
  #cancelRetry = () => {};

  /** @param options What it needs. */
  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Whether it needs a connection for answers. */
  uses(route: Route): boolean {
    return this.#target === route || (this.#route === route && this.#underWay > 0);
  }

  /** Sends a message, keeps it while the slot moves, or loses it. */
  publish(message: Outgoing): void {
    if (this.#held) this.#held.push(message);
    else this.#send(message);
  }

  /** Says where the slot is, or that a connection is there now. */
  moveTo(target: Route | undefined): void {
    this.#target = target;
    this.#settle();
  }

  /** A connection is ready, or is not any more. */
  changed(): void {
    this.#settle();
  }

  /** A shard has answered, or never will. In the order in which messages were sent. */
  settled(message: Outgoing, result: number | Error): void {
    const { clock, slot, onMoved, onTrouble } = this.#options;
    this.#underWay--;
    if (!(result instanceof Error)) this.#options.onSettled(message);
    else if (isForNow(result) && clock.now() - message.since < HOLD_MS) {
      this.#refused.push(message);
      this.#hold();
      const moved = readMoved(result);
      if (moved?.slot === slot) onMoved(moved);
      else onTrouble();
      // Unless it has moved elsewhere meanwhile, not at once.
      this.#retryAt = clock.now() + RETRY_MS;
    } else this.#lose(message, "the shard has not confirmed them", result);
    if (this.#underWay === 0) this.#settle();
  }

  /** Loses what waits. */
  close(): void {
    this.#giveUp("the adapter was closed");
    this.#cancelHold();
    this.#cancelRetry();
  }

  #send(message: Outgoing): void {
    if (!this.#route?.ready) {
      const where = this.#route ? `the connection to ${this.#route.address} is down` : "no shard is known";
      return this.#lose(message, where);
    }
    this.#underWay++;
    this.#route.send(message);
  }

  #lose(message: Outgoing, reason: string, cause?: Error): void {
    this.#options.onSettled(message);
    this.#options.onLost(message, reason, cause);
  }

  #settle(): void {
    const { clock } = this.#options;
    if (this.#underWay > 0) {
      if (this.#route !== this.#target) this.#hold();
      return;
    }
    const moved = this.#route !== this.#target;
    // The slot lives there: it is worth the wait for a connection.
    if (moved && this.#route && !this.#target?.ready) this.#hold();
    this.#route = this.#target;
    if (!this.#held || !this.#route?.ready) return;
    const waitMs = this.#retryAt - clock.now();
    if (!moved && waitMs > 0) {
      this.#cancelRetry();
      this.#cancelRetry = clock.after(waitMs, () => this.#settle());
      return;
    }
    const messages = [...this.#refused, ...this.#held];
    this.#refused = [];
    this.#held = undefined;
    this.#cancelHold();
    for (const message of messages) this.#send(message);
  }

  #hold(): void {
    if (this.#held) return;
    this.#held = [];
    this.#cancelHold = this.#options.clock.after(HOLD_MS, () => {
      this.#giveUp("their slot has been on the move for too long");
      // What is still under way keeps its place.
      if (this.#underWay > 0) this.#hold();
    });
  }

  #giveUp(reason: string): void {
    const messages = [...this.#refused, ...this.#held ?? []];
    this.#refused = [];
    this.#held = undefined;
    for (const message of messages) this.#lose(message, reason);
  }
}
