/**
 * "Did you mean …?": the known name that is closest to a misspelt one.
 *
 * @module
 */

/** Whether one text becomes another by at most so many edits: characters added, removed or replaced. */
function isNear(from: string, to: string, edits: number): boolean {
  if (from === to) return true;
  const [restOfFrom, restOfTo] = [from.slice(1), to.slice(1)];
  if (from[0] === to[0]) return isNear(restOfFrom, restOfTo, edits);
  return edits > 0 &&
    (isNear(restOfFrom, restOfTo, edits - 1) || isNear(restOfFrom, to, edits - 1) ||
      isNear(from, restOfTo, edits - 1));
}

/**
 * The end of an error about an unknown name: what was meant, if some known name is close, or else what there is.
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
  return `there are ${names.map((other) => `"${other}"`).join(", ") || "none"}`;
}
