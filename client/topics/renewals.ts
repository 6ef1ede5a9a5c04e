/**
 * How often in a row a stream is begun anew because a message is missing: at once the first time, then after waits.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";

/** A stream that has lasted for so long is renewed at once; another one waits. */
const STABLE_MS = 1_000;

/** Counts the renewals of one stream on one link. */
export class Renewals {
  readonly #clock: Clock;
  #liveSince = 0;
  #inRow = 0;

  /** @param clock Where time comes from. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the stream was not renewed since it last was stable. */
  get none(): boolean {
    return this.#inRow === 0;
  }

  /** The stream is live. */
  live(): void {
    this.#liveSince = this.#clock.now();
  }

  /** The link is another one. */
  reset(): void {
    this.#inRow = 0;
  }

  /** It is renewed; tells which time in a row that is, from 1 on. */
  next(): number {
    if (this.#clock.now() - this.#liveSince >= STABLE_MS) this.#inRow = 0;
    return ++this.#inRow;
  }
}
