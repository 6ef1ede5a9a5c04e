/**
 * The id that a client gives a request: the same id means the same request, on any node and at any time.
 *
 * @module
 */

import { hasLoneSurrogate, HubError } from "../../../contract/mod.ts";
import { MAX_ID_LENGTH } from "../../../contract/options/option_kinds.ts";

/**
 * The shortest id of an anonymous client, in UTF-16 units. All anonymous clients share their ids, so an id must be
 * impossible to guess.
 */
const MIN_SECRET_LENGTH = 16;

/**
 * Why an id is refused; `undefined` if it is not.
 *
 * @param key The id that the client gave; `undefined` when it gave none.
 * @param userId The id of the client's user; `undefined` for an anonymous client.
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
