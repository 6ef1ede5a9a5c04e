/**
 * What a subscriber has missed, by the numbers of batches: a proxy drops what a subscriber is too slow for, and tells nobody.
 *
 * @module
 */

import type { Chain } from "./control.ts";

/** The channels whose last number is remembered; of others a gap is not claimed. */
const MAX_CHANNELS = 100_000;

/** Numbers what is sent. */
export class Numbers {
  readonly #last = new Map<string, number>();
  #n = 0;

  /** How many batches were sent. */
  get sent(): number {
    return this.#n;
  }

  /** The numbers of a batch on a channel. */
  next(name: string): Omit<Chain, "session"> {
    const prev = this.#last.get(name) ?? 0;
    this.#last.delete(name); // the last of the map is the newest
    this.#last.set(name, ++this.#n);
    if (this.#last.size > MAX_CHANNELS) this.#last.delete(this.#last.keys().next().value!);
    return { n: this.#n, prev };
  }
}

/** Checks what comes. */
export class Gaps {
  /** By channel, then by session. */
  readonly #seen = new Map<string, Map<string, number>>();

  /** A channel is wanted: what comes from now on counts. */
  watch(name: string): void {
    this.#seen.set(name, new Map());
  }

  /**
   * A channel is live.
   *
   * @param name The channel.
   * @param sent What each session had sent when it knew: what was before is none of this node's business.
   */
  live(name: string, sent: ReadonlyMap<string, number>): void {
    const seen = this.#seen.get(name);
    if (!seen) return; // not wanted any more
    for (const [session, n] of sent) seen.set(session, Math.max(n, seen.get(session) ?? 0));
  }

  /** A channel is not wanted any more. */
  forget(name: string): void {
    this.#seen.delete(name);
  }

  /** A session is over. */
  end(session: string): void {
    for (const seen of this.#seen.values()) seen.delete(session);
  }

  /**
   * A batch has come.
   *
   * @returns Whether one before it has not.
   */
  missed(name: string, { session, n, prev }: Chain): boolean {
    const seen = this.#seen.get(name);
    if (!seen) return false;
    const last = seen.get(session);
    seen.set(session, n);
    return last !== undefined && prev > last;
  }
}
