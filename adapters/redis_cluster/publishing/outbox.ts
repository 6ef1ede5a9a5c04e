/**
 * The published messages of a node. Each partition has a queue that keeps the order across redirects. Each shard has a
 * connection that sends the messages of one turn in one write.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { isForNow, type Moved, readMoved } from "../errors.ts";
import { HOLD_MS } from "../moves.ts";
import type { RedisMessage } from "../../kit/redis/link.ts";

/** The pause before a retry at a shard that has refused for now without a new address, in milliseconds. */
const RETRY_MS = 25;

/** A partition's view of the connection to a shard. */
export interface Route {
  /** Whether it takes messages. */
  readonly ready: boolean;
  /** `host:port`. */
  readonly address: string;
  /** Sends a message with the others of the turn, in order. The result goes to `settled` of the message's outbox. */
  send(message: Outgoing): void;
}

/** A message on its way. */
export interface Outgoing extends RedisMessage {
  readonly outbox: Outbox;
  /** The hub's name of the channel. */
  readonly of: string;
  /** When it was published. */
  readonly since: number;
}

/** Options of {@linkcode Outbox}. */
export interface OutboxOptions {
  readonly slot: number;
  readonly clock: Clock;
  /** A slot has moved, says the shard at the address `from`. */
  onMoved(moved: Moved, from: string): void;
  /** A shard has refused. A new look at the cluster may show why. */
  onTrouble(): void;
  /** A message is finished: confirmed or lost. */
  onSettled(message: Outgoing): void;
  /** A message is lost, or may be. */
  onLost(message: Outgoing, reason: string, cause?: Error): void;
}

/**
 * The queue of one partition. At any time its messages go to one shard. If the shard refuses a message because the slot
 * has moved, later messages wait until all answers have come. Then the refused messages go first.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** The connection in use, and the one to use after all answers have come. */
  #route: Route | undefined;
  #target: Route | undefined;
  #underWay = 0;
  #refused: Outgoing[] = [];
  #held: Outgoing[] | undefined;
  #retryAt = 0;
  #cancelHold = () => {};
  #cancelRetry = () => {};

  /** @param options The options. */
  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Whether the outbox needs a connection, also for answers. */
  uses(route: Route): boolean {
    return this.#target === route || (this.#route === route && this.#underWay > 0);
  }

  /** Sends a message, holds it while the slot moves, or loses it. */
  publish(message: Outgoing): void {
    if (this.#held) this.#held.push(message);
    else this.#send(message);
  }

  /** Sets the shard that serves the slot now. */
  moveTo(target: Route | undefined): void {
    this.#target = target;
    this.#settle();
  }

  /** A connection has become ready, or is lost. */
  changed(): void {
    this.#settle();
  }

  /** The result of a message, in the order in which messages were sent: the shard's answer, or an error. */
  settled(message: Outgoing, result: number | Error): void {
    const { clock, slot, onMoved, onTrouble } = this.#options;
    this.#underWay--;
    if (!(result instanceof Error)) {
      // Nodes that take this message take no earlier one any more.
      for (const late of this.#refused.splice(0)) {
        this.#lose(late, "the shard has refused them, and taken a later one");
      }
      this.#options.onSettled(message);
    } else if (isForNow(result) && clock.now() - message.since < HOLD_MS) {
      this.#refused.push(message);
      this.#hold();
      const moved = readMoved(result);
      if (moved?.slot === slot) onMoved(moved, this.#route!.address);
      else onTrouble();
      // A pause before the next attempt, unless the slot has moved elsewhere by then.
      this.#retryAt = clock.now() + RETRY_MS;
    } else this.#lose(message, "the shard has not confirmed them", result);
    if (this.#underWay === 0) this.#settle();
  }

  /** Loses the waiting messages. */
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
    // The new shard serves the slot: messages may wait for its connection.
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
      this.#giveUp("their slot has been moving for too long");
      // Messages still under way keep their place.
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
