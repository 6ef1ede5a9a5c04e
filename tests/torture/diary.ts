/**
 * What one listener hears and is told, and what of it must not be.
 *
 * @module
 */

import type { TopicMeta } from "@trunkline/hub";
import type { TopicName } from "./contract.ts";
import type { Jump, LoadCounts } from "./words.ts";

/** Where a diary reports to. */
export interface DiaryParts {
  /** Counts for all diaries of a process. */
  readonly counts: LoadCounts;
  /** Something must not be. */
  onViolation(what: string): void;
  /** The listener went on somewhere else. */
  onJump(jump: Jump): void;
}

/** The diary of a listener to one topic, or one room. */
export class Diary {
  readonly #client: number;
  readonly #topic: TopicName;
  readonly #parts: DiaryParts;
  /** The epochs that are over for it. */
  readonly #left = new Set<string>();
  #last: readonly [epoch: string, offset: number] | undefined;
  /** When it was told that it may have missed something, or is live, if it has heard nothing since. */
  #toldAt: number | undefined;

  /**
   * @param client The number of its client.
   * @param topic What it listens to.
   * @param parts Where it reports to.
   */
  constructor(client: number, topic: TopicName, parts: DiaryParts) {
    this.#client = client;
    this.#topic = topic;
    this.#parts = parts;
  }

  /** The position of what was heard last. */
  get last(): readonly [epoch: string, offset: number] | undefined {
    return this.#last;
  }

  /** Records that the client is live for the first time. */
  live(at: number): void {
    this.#toldAt ??= at;
  }

  /** Records a notice of recovery. */
  told(recovered: boolean, at: number): void {
    const { counts } = this.#parts;
    if (recovered) return void counts.claimsTrue++;
    counts.claimsFalse++;
    this.#toldAt = at;
  }

  /** Records a message. */
  hear({ offset, epoch, recovered }: Omit<TopicMeta<true>, "topic">, at: number): void {
    const { counts } = this.#parts;
    counts.deliveries++;
    if (recovered) counts.replays++;
    const last = this.#last;
    this.#last = [epoch, offset];
    if (last && last[0] === epoch && offset <= last[1]) {
      const which = offset === last[1] ? "duplicates" : "orderBreaks";
      counts[which]++;
      return this.#violate(`heard ${epoch} ${offset} after ${last[1]}`);
    }
    if (last && last[0] !== epoch) {
      this.#left.add(last[0]);
      if (this.#left.has(epoch)) this.#violate(`heard the epoch ${epoch} again, after ${last[0]}`);
    }
    const follows = last && last[0] === epoch && offset === last[1] + 1;
    if (this.#toldAt === undefined) {
      if (!last) return this.#jump(undefined, at); // before the answer: what came with it
      if (follows) return;
      counts.holes++;
      return this.#violate(`heard ${epoch} ${offset} after ${last.join(" ")}, and was not told of a gap`);
    }
    this.#jump(last, this.#toldAt);
  }

  /** Nothing comes any more. */
  end(): void {
    if (this.#toldAt === undefined) return;
    const { onJump } = this.#parts;
    onJump({ client: this.#client, topic: this.#topic, before: this.#last, toldAt: this.#toldAt });
  }

  #jump(before: readonly [string, number] | undefined, toldAt: number): void {
    const { onJump } = this.#parts;
    onJump({ client: this.#client, topic: this.#topic, before, after: this.#last!, toldAt });
    this.#toldAt = undefined;
  }

  #violate(what: string): void {
    this.#parts.onViolation(`client ${this.#client} on ${this.#topic} ${what}`);
  }
}
