/**
 * "Did you mean …?": the known name that is closest to a misspelt one.
 *
 * @module
 */

/**
 * How many characters have to be added, removed, replaced, or swapped with their neighbour to make one text out of
 * another (optimal string alignment, https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance).
 */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let line = 0; line < from.length; line++) {
    const next = [line + 1];
    for (let at = 0; at < to.length; at++) {
      const replaced = row[at]! + (from[line] === to[at] ? 0 : 1);
      const swaps = from[line] === to[at - 1] && from[line - 1] === to[at];
      const swapped = swaps ? before[at - 1]! + 1 : Infinity;
      next.push(Math.min(next[at]! + 1, row[at + 1]! + 1, replaced, swapped));
    }
    [before, row] = [row, next];
  }
  return row[to.length]!;
}

/** Names above this length are not compared: nobody types them, and the comparison takes time. */
const MAX_COMPARED = 100;

/**
 * The end of an error about an unknown name: what was meant, if some known name is close, or else what there is.
 *
 * @param name The unknown name.
 * @param known The names that exist.
 * @returns `did you mean "heartbeatMs"?`, or `there are "a", "b"`.
 */
export function suggest(name: string, known: Iterable<string>): string {
  const names = [...known];
  let closest: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  if (name.length <= MAX_COMPARED) {
    for (const candidate of names) {
      const far = distance(name.toLowerCase(), candidate.toLowerCase());
      if (far < least) [closest, least] = [candidate, far];
    }
  }
  if (closest !== undefined) return `did you mean "${closest}"?`;
  return names.length ? `there are ${names.map((known) => `"${known}"`).join(", ")}` : "there are none";
}
