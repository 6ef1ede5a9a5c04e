/**
 * The id that a client gives a request: what makes it the same wherever and whenever it is sent.
 *
 * @module
 */

import { hasLoneSurrogate, HubError } from "../../../contract/mod.ts";
import { MAX_ID_LENGTH } from "../../../contract/options/option_kinds.ts";

/** Who is nobody in particular shares its keys with everybody: they must be such that nobody guesses them. */
const MIN_SECRET_LENGTH = 16;

/**
 * Why a key cannot be one, if so.
 *
 * @param key What the client gave; `undefined` where it gave none.
 * @param userId The client's user; `undefined` for an anonymous one.
 */
export function refuseKey(key: string | undefined, userId: string | undefined): HubError | undefined {
  if (key === undefined) return undefined;
  const min = userId === undefined ? MIN_SECRET_LENGTH : 1;
  if (key.length >= min && key.length <= MAX_ID_LENGTH && !hasLoneSurrogate(key)) return undefined;
  const hint = userId === undefined ? ". Without a user it must be impossible to guess" : "";
  return new HubError(
    "BAD_REQUEST",
    `Cannot use the id of a request: give a text of ${min} to ${MAX_ID_LENGTH} UTF-16 units${hint}`,
  );
}
