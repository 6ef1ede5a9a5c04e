/**
 * Slots that move from shard to shard: for how long things wait for them, and which redirects are followed.
 *
 * @module
 */

/** For how long a message may wait while its slot moves, in milliseconds. */
export const HOLD_MS = 2_000;
/** For how long other nodes may not know what a shard has said about its own slot, in milliseconds. */
const NEWS_MS = 1_000;
/**
 * For how long no redirect is followed back to a shard that has sent the partition away, in milliseconds. If two masters
 * each say that the other one has the slot, messages would otherwise go to and fro without a pause.
 */
const RETURN_MS = 100;

/** The shards that have said lately that they do not serve a partition any more. */
export class Departures {
  /** When each has said so. */
  readonly #at = new Map<string, number>();

  /**
   * A shard says that another one serves the partition.
   *
   * @param from The shard, `host:port`.
   * @param to The other one.
   * @param now The time in milliseconds.
   * @returns Whether to follow.
   */
  follows(from: string, to: string, now: number): boolean {
    for (const [address, at] of this.#at) if (at <= now - NEWS_MS) this.#at.delete(address);
    if (from === to || this.#hasSince(to, now - RETURN_MS)) return false;
    this.#at.set(from, now);
    return true;
  }

  /** Whether a shard has said so lately: other nodes may not have heard of it. */
  isNews(address: string, now: number): boolean {
    return this.#hasSince(address, now - NEWS_MS);
  }

  #hasSince(address: string, since: number): boolean {
    return (this.#at.get(address) ?? -Infinity) > since;
  }
}
