/**
 * What versions of the server get wrong, if a stream has replicas.
 *
 * @module
 */

type Version = readonly [major: number, minor: number, patch: number];

/** From this version on, a server repeats a purge of a subject as it was. */
const PURGES: Version = [2, 9, 18];
/** From this version on, all replicas refuse the same writes. */
const REFUSALS: Version = [2, 10, 19];

/**
 * Whether a server of this version loses messages when it starts again, because it repeats the purges in its log: the purge
 * of one subject as the purge of all subjects up to that moment. See https://github.com/nats-io/nats-server/issues/4196.
 *
 * @param version The version, as the server tells it; `undefined` if it tells none.
 */
export function widensPurges(version: string | undefined): boolean {
  return isBefore(version, PURGES);
}

/**
 * Whether replicas of this version may number messages in different ways after one of them was started again, if the server
 * compared and refused writes. Then messages are lost when another server leads. See
 * https://github.com/nats-io/nats-server/pull/4365, /4777 and /5794.
 *
 * @param version The version, as the server tells it; `undefined` if it tells none.
 */
export function numbersApart(version: string | undefined): boolean {
  return isBefore(version, REFUSALS);
}

function isBefore(version: string | undefined, other: Version): boolean {
  const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version ?? "");
  if (!found) return false; // a server of somebody else
  for (let i = 0; i < other.length; i++) {
    const difference = Number(found[i + 1]) - other[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
