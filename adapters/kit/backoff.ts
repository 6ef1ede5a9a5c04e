/**
 * How long to wait before the next attempt to connect.
 *
 * @module
 */

const FIRST_PAUSE_MS = 50;
/** An engine that is back is found within this. */
const MAX_PAUSE_MS = 1_000;
/** Passwords do not get right by themselves, but permissions are changed while servers run. */
const REFUSED_PAUSE_MS = 5_000;

/**
 * The longest pause: attempts that follow each other at this distance hurt nobody. So a connection that lasted as long
 * has earned the shortest pause for what follows it.
 */
export const STABLE_MS: number = MAX_PAUSE_MS;

/**
 * The pause before an attempt, in milliseconds: it doubles with each failure. Half of it is random, as all nodes lose their
 * connections at the same moment.
 *
 * @param failures How many attempts in a row have failed before the last one.
 * @param refused Whether the engine refused, and will probably do so again.
 */
export function pauseMs(failures: number, refused = false): number {
  const longest = refused ? REFUSED_PAUSE_MS : Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
  return longest * (1 + Math.random()) / 2;
}
