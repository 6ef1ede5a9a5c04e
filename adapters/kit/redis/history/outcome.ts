/**
 * What has become of a message that Redis has not said it keeps.
 *
 * @module
 */

import { HubError } from "../../../../contract/errors.ts";
import { isReply } from "../errors.ts";
import { NotSentError } from "../reach.ts";

/**
 * What a server says before it has changed anything. Once a script has written, Redis refuses it nothing any more for the state
 * that it is in: memory, disk, replicas or its role.
 */
const REFUSED =
  /^(NOSCRIPT|READONLY|OOM|LOADING|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|CROSSSLOT|MISCONF|NOREPLICAS|BUSY|NOAUTH|WRONGTYPE|NOREPLID|NOPERM(?!.* script: )) /;

/**
 * Says whether a message is certainly not kept, or may be.
 *
 * @param error What became of the script.
 * @param channel The channel.
 * @param store The store, for the error.
 */
export function notKept(error: unknown, channel: string, store: string): HubError {
  const what = `a message on "${channel}"`;
  if (error instanceof NotSentError) {
    return new HubError("UNAVAILABLE", `Cannot store ${what} in ${store}: it is not connected`, {
      cause: error,
    });
  }
  const { cause } = error as Error;
  const said = isReply(cause) ? (cause as Error).message : "";
  const code = said.split(" ", 1)[0];
  if (REFUSED.test(said)) {
    return new HubError("UNAVAILABLE", `Cannot store ${what} in ${store}: it refuses with ${code}`, {
      cause: error,
    });
  }
  const why = code ? `it has failed with ${code}` : "the connection was lost before the answer";
  return new HubError(
    "UNCERTAIN",
    `Cannot tell whether ${what} is stored in ${store}: ${why}. Publish it again with the same id`,
    { cause: error },
  );
}
