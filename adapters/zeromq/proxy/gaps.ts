/**
 * Finds missed messages by the numbers of batches. A proxy drops messages for a slow subscriber, and reports it to no
 * node.
 *
 * @module
 */

import type { Chain } from "./control.ts";

/** For how many channels the last number is remembered. On other channels no gap is reported. */
const MAX_CHANNELS = 100_000;

/** Numbers the batches to send. */
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
    this.#last.delete(name); // moves the name to the end of the map, as the newest
    this.#last.set(name, ++this.#n);
    if (this.#last.size > MAX_CHANNELS) this.#last.delete(this.#last.keys().next().value!);
    return { n: this.#n, prev };
  }
}

/** Checks the numbers of received batches. */
export class Gaps {
  /** The last number, by channel and session. */
  readonly #seen = new Map<string, Map<string, number>>();

  /** Starts to check a channel. */
  watch(name: string): void {
    this.#seen.set(name, new Map());
  }

  /**
   * A channel is live.
   *
   * @param name The channel.
   * @param sent How many batches each session had sent when it saw the subscription. These batches are no gap for this
   * node.
   */
  live(name: string, sent: ReadonlyMap<string, number>): void {
    const seen = this.#seen.get(name);
    if (!seen) return; // no longer subscribed
    for (const [session, n] of sent) seen.set(session, Math.max(n, seen.get(session) ?? 0));
  }

  /** Stops checking a channel. */
  forget(name: string): void {
    this.#seen.delete(name);
  }

  /** A session has ended. */
  end(session: string): void {
    for (const seen of this.#seen.values()) seen.delete(session);
  }

  /**
   * A batch has arrived.
   *
   * @returns Whether an earlier one is missing.
   */
  missed(name: string, { session, n, prev }: Chain): boolean {
    const seen = this.#seen.get(name);
    if (!seen) return false;
    const last = seen.get(session);
    seen.set(session, n);
    return last !== undefined && prev > last;
  }
}
