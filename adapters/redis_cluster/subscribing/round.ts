/**
 * What the subscriber of a shard has to send next.
 *
 * @module
 */

import type { Held } from "./held.ts";
import type { Interests } from "./interests.ts";

/** Names of channels by partition. */
export type NamesByPartition = ReadonlyMap<Interests, readonly string[]>;

/** What to do about the channels whose state had to be checked. */
export interface Round {
  readonly joins: NamesByPartition;
  readonly leaves: NamesByPartition;
  /** The channels about which there is nothing to do. */
  readonly done: readonly (readonly [string, Interests])[];
}

/**
 * Compares what partitions want with the subscriptions.
 *
 * @param dirty The channels to check.
 * @param held The subscriptions.
 * @param served The partitions that want any.
 */
export function planRound(
  dirty: ReadonlyMap<string, Interests>,
  held: Held,
  served: ReadonlySet<Interests>,
): Round {
  const joins = new Map<Interests, string[]>();
  const leaves = new Map<Interests, string[]>();
  const done: [string, Interests][] = [];
  for (const [name, interests] of dirty) {
    const sure = held.get(interests, name);
    const isWanted = served.has(interests) && interests.wants(name);
    if (isWanted ? sure : sure === undefined) done.push([name, interests]);
    else add(isWanted ? joins : leaves, interests, name);
  }
  return { joins, leaves, done };
}

function add(to: Map<Interests, string[]>, interests: Interests, name: string): void {
  const names = to.get(interests);
  if (names) names.push(name);
  else to.set(interests, [name]);
}
