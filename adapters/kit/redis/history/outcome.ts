/**
 * What is said of a message that Redis has not said it keeps, and of a history that it does not give.
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
  const [said, code] = replyIn(error);
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

/**
 * Says why a history was not read.
 *
 * @param error What became of the script.
 * @param channel The channel.
 * @param store The store, for the error.
 */
export function notRead(error: unknown, channel: string, store: string): HubError {
  const [, code] = replyIn(error);
  const why = error instanceof NotSentError
    ? "it is not connected"
    : code
    ? `it refuses with ${code}`
    : "the connection was lost before the answer";
  return new HubError("UNAVAILABLE", `Cannot read the history of "${channel}" in ${store}: ${why}`, {
    cause: error,
  });
}

/** What the server itself has said, and its code; empty where it was not the server. */
function replyIn(error: unknown): [said: string, code: string] {
  const { cause } = error as Error;
  const said = isReply(cause) ? (cause as Error).message : "";
  return [said, said.split(" ", 1)[0]!];
}
