/**
 * One turn of the event loop, seen from the outboxes of one transport and codec: what they gather until its end
 * leaves together.
 *
 * @module
 */

import type { Clock, Codec } from "../../contract/mod.ts";
import { Sequence } from "./sequence.ts";

/** How large a frame may get. */
export interface FrameLimits {
  /** Messages in one frame. */
  readonly maxFrameMessages: number;
  /** The length from which on a frame leaves at once, in the codec's units: UTF-16 units of text, or bytes. */
  readonly maxFrameLength: number;
}

/** Whoever gathers within a turn. */
export interface Gatherer {
  /** Sends what was gathered. Does not throw. */
  flush(): void;
}

/** Whatever gathers for several outboxes at once, until one of them goes its own way. */
export interface SharedGatherer<Member> {
  /** One goes its own way; tells what it was sent in this turn. */
  leave(member: Member): Sequence;
}

/** Gathers until the end of the turn. */
export class Turn {
  /** The codec of the connections that gather here. */
  readonly codec: Codec;
  readonly #limits: FrameLimits;
  readonly #clock: Pick<Clock, "endOfTurn">;
  #root: Sequence;
  #gatherers: Gatherer[] = [];

  /**
   * @param codec The codec of the connections that gather here.
   * @param limits How large a frame may get.
   * @param clock Tells when the turn ends.
   */
  constructor(codec: Codec, limits: FrameLimits, clock: Pick<Clock, "endOfTurn">) {
    this.codec = codec;
    this.#limits = limits;
    this.#clock = clock;
    this.#root = new Sequence(codec);
  }

  /** The empty sequence of this turn. */
  get root(): Sequence {
    return this.#root;
  }

  /** Whether a sequence fills a frame, and has to leave before the turn ends. */
  isFull(count: number, size: number): boolean {
    return count >= this.#limits.maxFrameMessages || size >= this.#limits.maxFrameLength;
  }

  /** Whether anybody gathers in this turn. */
  get gathers(): boolean {
    return this.#gatherers.length > 0;
  }

  /** Asks to be flushed at the end of this turn; ask once per turn. */
  gather(gatherer: Gatherer): void {
    if (this.#gatherers.push(gatherer) === 1) this.#clock.endOfTurn(() => this.#end());
  }

  #end(): void {
    const gatherers = this.#gatherers;
    this.#gatherers = [];
    for (const gatherer of gatherers) gatherer.flush();
    this.#root = new Sequence(this.codec);
  }
}
