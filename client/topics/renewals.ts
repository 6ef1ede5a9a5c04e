/**
 * Counts how often in a row a stream starts again because a message is missing: the first time at once, later after
 * waits.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";

/** If a stream was live for this long, it starts again at once. Otherwise it waits. */
const STABLE_MS = 1_000;

/** Counts how often one stream starts again on one link. */
export class Renewals {
  readonly #clock: Clock;
  #liveSince = 0;
  #inRow = 0;

  /** @param clock The source of time. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the stream did not start again since it was last stable. */
  get none(): boolean {
    return this.#inRow === 0;
  }

  /** The stream is live. */
  live(): void {
    this.#liveSince = this.#clock.now();
  }

  /** There is a new link. */
  reset(): void {
    this.#inRow = 0;
  }

  /** The stream starts again. Returns how many times in a row, from 1. */
  next(): number {
    if (this.#clock.now() - this.#liveSince >= STABLE_MS) this.#inRow = 0;
    return ++this.#inRow;
  }
}
