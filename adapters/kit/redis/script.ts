/**
 * Lua scripts. Redis runs a script as one step.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A Lua script. */
export interface Script {
  readonly text: string;
  /** Its SHA-1. A server that has run the script knows it by this hash. */
  readonly sha: string;
}

/**
 * Makes a script from parts.
 *
 * @param parts Lua, in this order.
 */
export function script(...parts: readonly string[]): Script {
  const text = parts.join("\n");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/**
 * The command that runs a script by its hash.
 *
 * @param script The script.
 * @param keys Its keys.
 * @param args Its other arguments.
 */
export function commandOf(
  script: Script,
  keys: readonly string[],
  args: readonly string[],
): readonly string[] {
  return ["EVALSHA", script.sha, String(keys.length), ...keys, ...args];
}
