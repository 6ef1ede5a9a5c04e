/**
 * The pause before the next attempt to connect (backoff with jitter).
 *
 * @module
 */

const FIRST_PAUSE_MS = 50;
/** The longest pause, so that a node finds an engine soon after it is back. */
const MAX_PAUSE_MS = 1_000;
/** The longest pause after a refusal. A wrong password stays wrong, but permissions may change while servers run. */
const REFUSED_PAUSE_MS = 5_000;

/**
 * How long a connection must last before the next pause is the shortest again: as long as the longest pause. Attempts
 * at this distance do not burden the engine.
 */
export const STABLE_MS: number = MAX_PAUSE_MS;

/**
 * The pause before an attempt, in milliseconds. It doubles with each failure. Half of it is random, because all nodes
 * lose their connections at the same moment.
 *
 * @param failures How many attempts in a row failed before the last one.
 * @param refused Whether the engine refused, and will probably refuse again.
 */
export function pauseMs(failures: number, refused = false): number {
  const longest = refused ? REFUSED_PAUSE_MS : Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
  return longest * (1 + Math.random()) / 2;
}
