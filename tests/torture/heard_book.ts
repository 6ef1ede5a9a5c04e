/**
 * The message at each position: all clients must get the same one.
 *
 * @module
 */

import type { TopicName } from "./contract.ts";
import type { Heard } from "./words.ts";

/** Writes down what was heard where. */
export class HeardBook {
  readonly #topics = new Map<TopicName, Map<string, Map<number, number>>>();

  /**
   * Writes down a message.
   *
   * @returns The number of another one that was heard at the same position, if any.
   */
  note(topic: TopicName, epoch: string, offset: number, number: number): number | undefined {
    const epochs = this.#topics.get(topic) ?? new Map<string, Map<number, number>>();
    this.#topics.set(topic, epochs);
    const offsets = epochs.get(epoch) ?? new Map<number, number>();
    epochs.set(epoch, offsets);
    const other = offsets.get(offset);
    if (other === undefined) offsets.set(offset, number);
    return other === number ? undefined : other;
  }

  /** Adds what another book has; calls back for each position at which that differs. */
  add({ topic, epoch, from, numbers }: Heard, onOther: (offset: number, a: number, b: number) => void): void {
    for (const [i, number] of numbers.entries()) {
      if (number === 0) continue;
      const other = this.note(topic, epoch, from + i, number);
      if (other !== undefined) onOther(from + i, other, number);
    }
  }

  /** The delivered messages in an epoch of a topic, by offset. */
  of(topic: TopicName, epoch: string): ReadonlyMap<number, number> {
    return this.#topics.get(topic)?.get(epoch) ?? new Map();
  }

  /** All of it. */
  *all(): Generator<Heard> {
    for (const [topic, epochs] of this.#topics) {
      for (const [epoch, offsets] of epochs) {
        let [from, to] = [Infinity, 0];
        for (const offset of offsets.keys()) [from, to] = [Math.min(from, offset), Math.max(to, offset)];
        const numbers = Array.from({ length: to - from + 1 }, (_, i) => offsets.get(from + i) ?? 0);
        yield { topic, epoch, from, numbers };
      }
    }
  }
}
