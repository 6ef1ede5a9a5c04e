/**
 * What versions of the server get wrong.
 *
 * @module
 */

/** From this version on, the server also compares with writes that its replicas have not confirmed yet. */
const STRICT: readonly number[] = [2, 9, 21];

/**
 * Whether a server of this version stores two writes that expect the same newest message, if the stream has replicas and
 * both come at the same time. See https://github.com/nats-io/nats-server/issues/4320.
 *
 * @param version The version, as the server tells it; `undefined` if it tells none.
 */
export function storesBoth(version: string | undefined): boolean {
  const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version ?? "");
  if (!found) return false; // a server of somebody else
  for (let i = 0; i < STRICT.length; i++) {
    const difference = Number(found[i + 1]) - STRICT[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
