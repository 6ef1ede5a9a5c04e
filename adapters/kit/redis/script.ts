/**
 * Scripts, by which Redis does several things at one go.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A script, by which Redis is asked. */
export interface Script {
  readonly text: string;
  /** Its SHA-1, by which a server that has run it knows it. */
  readonly sha: string;
}

/**
 * Makes a script of its parts.
 *
 * @param parts Lua, one after the other.
 */
export function script(...parts: readonly string[]): Script {
  const text = parts.join("\n");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
