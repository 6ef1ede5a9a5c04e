/**
 * What one connection subscribes to.
 *
 * @module
 */

import type { Interests } from "./interests.ts";

/** Names of channels by partition, and for each whether it is sure that the connection subscribes to it. */
export class Held {
  readonly #partitions = new Map<Interests, Map<string, boolean>>();

  /** Whether there is nothing. */
  get empty(): boolean {
    return this.#partitions.size === 0;
  }

  /** Whether there is anything of a partition. */
  has(interests: Interests): boolean {
    return this.#partitions.has(interests);
  }

  /** Whether a channel is surely there; `undefined` if it is not there. */
  get(interests: Interests, name: string): boolean | undefined {
    return this.#partitions.get(interests)?.get(name);
  }

  /** Notes a channel. */
  set(interests: Interests, name: string, sure: boolean): void {
    const names = this.#partitions.get(interests);
    if (names) names.set(name, sure);
    else this.#partitions.set(interests, new Map([[name, sure]]));
  }

  /** Forgets a channel. */
  delete(interests: Interests, name: string): void {
    const names = this.#partitions.get(interests);
    names?.delete(name);
    if (names?.size === 0) this.#partitions.delete(interests);
  }

  /** Forgets everything. */
  clear(): void {
    this.#partitions.clear();
  }

  /** All channels, or those of one partition. */
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
