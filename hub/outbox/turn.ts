/**
 * One turn of the event loop, for the outboxes of one transport and codec. They gather messages, and send them together
 * at the end of the turn.
 *
 * @module
 */

import type { Clock, Codec } from "../../contract/mod.ts";
import { Sequence } from "./sequence.ts";

/** The limits of a frame. */
export interface FrameLimits {
  /** The limit of messages in a frame. */
  readonly maxFrameMessages: number;
  /** From this length on, a frame is sent at once. In the codec's units: UTF-16 units of text, or bytes. */
  readonly maxFrameLength: number;
}

/** A frame for many leaves at most one in so many of its messages to those for one. */
const SPARE = 8;

/** An object that gathers messages within a turn. */
export interface Gatherer {
  /** The turn ends: sends the gathered messages. Does not throw. */
  endTurn(): void;
}

/** Tells the gatherers of a turn when it ends. */
export class Turn {
  /** The codec of the connections that gather here. */
  readonly codec: Codec;
  /** Counts the changes of cohorts. */
  moment = 0;
  /** The limits of a frame. */
  readonly limits: FrameLimits;
  readonly #clock: Pick<Clock, "endOfTurn">;
  #root: Sequence;
  #gatherers: Gatherer[] = [];

  /**
   * @param codec The codec of the connections that gather here.
   * @param limits The limits of a frame.
   * @param clock The clock, for the end of the turn.
   */
  constructor(codec: Codec, limits: FrameLimits, clock: Pick<Clock, "endOfTurn">) {
    this.codec = codec;
    this.limits = limits;
    this.#clock = clock;
    this.#root = new Sequence(codec);
  }

  /** The empty sequence of this turn. */
  get root(): Sequence {
    return this.#root;
  }

  /** Whether a sequence fills a frame, and must be sent before the turn ends. */
  isFull(count: number, size: number): boolean {
    return count >= this.limits.maxFrameMessages || size >= this.limits.maxFrameLength;
  }

  /** How many messages for one connection a frame for many leaves room for. */
  get spareMessages(): number {
    return Math.floor(this.limits.maxFrameMessages / SPARE);
  }

  /** How much length it leaves them, in the codec's units. */
  get spareLength(): number {
    return Math.floor(this.limits.maxFrameLength / SPARE);
  }

  /** Whether any gatherer waits in this turn. */
  get gathers(): boolean {
    return this.#gatherers.length > 0;
  }

  /** Adds a gatherer, to tell it when this turn ends. */
  gather(gatherer: Gatherer): void {
    if (this.#gatherers.push(gatherer) === 1) this.#clock.endOfTurn(() => this.#end());
  }

  #end(): void {
    const gatherers = this.#gatherers;
    this.#gatherers = [];
    for (const gatherer of gatherers) gatherer.endTurn();
    this.#root = new Sequence(this.codec);
  }
}
