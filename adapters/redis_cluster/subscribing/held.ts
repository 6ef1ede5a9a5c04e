/**
 * The subscriptions of one connection.
 *
 * @module
 */

import type { Interests } from "./interests.ts";

/** Names of channels by partition. For each name it says whether the subscription is certain. */
export class Held {
  readonly #partitions = new Map<Interests, Map<string, boolean>>();

  /** Whether there are no subscriptions. */
  get empty(): boolean {
    return this.#partitions.size === 0;
  }

  /** Whether there are subscriptions of a partition. */
  has(interests: Interests): boolean {
    return this.#partitions.has(interests);
  }

  /** Whether a subscription is certain; `undefined` if there is none. */
  get(interests: Interests, name: string): boolean | undefined {
    return this.#partitions.get(interests)?.get(name);
  }

  /** Adds a channel. */
  set(interests: Interests, name: string, sure: boolean): void {
    const names = this.#partitions.get(interests);
    if (names) names.set(name, sure);
    else this.#partitions.set(interests, new Map([[name, sure]]));
  }

  /** Removes a channel. */
  delete(interests: Interests, name: string): void {
    const names = this.#partitions.get(interests);
    names?.delete(name);
    if (names?.size === 0) this.#partitions.delete(interests);
  }

  /** Removes all channels. */
  clear(): void {
    this.#partitions.clear();
  }

  /** All channels, or the channels of one partition. */
  entries(only?: Interests): readonly (readonly [Interests, string])[] {
    return [...this.#partitions].flatMap(([interests, names]) =>
      only && interests !== only ? [] : [...names.keys()].map((name) => [interests, name] as const)
    );
  }
}

/** Names in groups for one command each. */
export function batches(names: readonly string[], size: number): string[][] {
  const starts = Array.from({ length: Math.ceil(names.length / size) }, (_, i) => i * size);
  return starts.map((start) => names.slice(start, start + size));
}
