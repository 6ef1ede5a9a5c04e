/**
 * "Did you mean …?": the known name that is closest to a misspelt one.
 *
 * @module
 */

/** Whether one text becomes another with at most this many edits: characters added, removed or replaced. */
function isNear(from: string, to: string, edits: number): boolean {
  if (from === to) return true;
  const [restOfFrom, restOfTo] = [from.slice(1), to.slice(1)];
  if (from[0] === to[0]) return isNear(restOfFrom, restOfTo, edits);
  return edits > 0 &&
    (isNear(restOfFrom, restOfTo, edits - 1) || isNear(restOfFrom, to, edits - 1) ||
      isNear(from, restOfTo, edits - 1));
}

/** The shortest name that may stand for a longer name that begins with it: `"user"` for `"username"`. */
const MIN_PART = 4;

function begins(part: string, whole: string): boolean {
  return part.length >= MIN_PART && whole.toLowerCase().startsWith(part.toLowerCase());
}

/**
 * The end of an error about an unknown name: the name that was probably meant if one is close, else all names that
 * exist.
 *
 * @param name The unknown name.
 * @param known The names that exist.
 * @returns `did you mean "heartbeatMs"?`, or `there are "a", "b"`.
 */
export function suggest(name: string, known: Iterable<string>): string {
  const names = [...known];
  for (const edits of [0, 1, 2]) {
    const meant = names.find((other) =>
      other.length > edits && isNear(name.toLowerCase(), other.toLowerCase(), edits)
    );
    if (meant) return `did you mean "${meant}"?`;
  }
  const alike = names.filter((other) => begins(name, other) || begins(other, name));
  if (alike.length === 1) return `did you mean "${alike[0]}"?`;
  return `there are ${names.map((other) => `"${other}"`).join(", ") || "none"}`;
}
