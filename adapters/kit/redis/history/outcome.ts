/**
 * Errors for a message that Redis has not confirmed, and for a history that it has not returned.
 *
 * @module
 */

import { HubError } from "../../../../contract/errors.ts";
import { isReply } from "../errors.ts";
import { NotSentError } from "../reach.ts";

/**
 * Errors that a server sends before it has changed anything. After a script has written, Redis does not refuse its
 * further commands for the state of memory, disk, replicas or role.
 */
const REFUSED =
  /^(NOSCRIPT|READONLY|OOM|LOADING|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|CROSSSLOT|MISCONF|NOREPLICAS|BUSY|NOAUTH|WRONGTYPE|NOREPLID|NOPERM(?!.* script: )) /;

/**
 * Makes the error for a message that is certainly not kept, or may be kept.
 *
 * @param error The error of the script.
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
 * Makes the error for a history that was not read.
 *
 * @param error The error of the script.
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

/** The server's error and its code; empty if the error is not the server's. */
function replyIn(error: unknown): [said: string, code: string] {
  const { cause } = error as Error;
  const said = isReply(cause) ? (cause as Error).message : "";
  return [said, said.split(" ", 1)[0]!];
}
