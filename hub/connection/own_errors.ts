/**
 * The errors that the hub's own methods throw into code of the application. A `HubError` that the application makes is
 * for the client. One that `hub.publish` throws is not: it tells of a mistake of the server, or names its parts.
 *
 * @module
 */

import { type HubError, isHubError, toWireError, type WireError } from "../../contract/mod.ts";

const OWN = new WeakSet<HubError>();

/** What a client is told when the server cannot do something now. The error itself may name its backplane. */
const AWAY: ReadonlyMap<string, string> = new Map([
  ["UNAVAILABLE", "The server cannot do this now: try again later"],
  ["UNCERTAIN", "The server cannot tell whether this was done"],
  ["TIMEOUT", "The server could not do this in time"],
]);

/** Options of a method that can be aborted. */
export interface Signalled {
  /** The signal that the application gave, if it did. */
  readonly signal?: AbortSignal;
}

/**
 * Marks an error that a method of the hub throws into code of the application. `DISCONNECTED` tells of a client that
 * is gone, so it stays as it is.
 *
 * @param error The error. Anything but a `HubError` is left alone.
 * @param signal The signal that the application gave to the method, if it did. Its reason is the application's own.
 * @returns The error.
 */
export function own<E>(error: E, signal?: AbortSignal): E {
  const isGiven = signal?.aborted === true && signal.reason === error;
  if (!isGiven && isHubError(error) && error.code !== "DISCONNECTED") OWN.add(error);
  return error;
}

/**
 * As {@linkcode own}, with the options that the application gave to the method. Their signal may be a getter that throws.
 *
 * @param error The error.
 * @param options The options, as they were given.
 */
export function ownOf<E>(error: E, options: Signalled | undefined): E {
  try {
    return own(error, options?.signal);
  } catch {
    return own(error);
  }
}

/** Whether it is an error of a method of the hub. */
export function isOwn(error: unknown): boolean {
  return isHubError(error) && OWN.has(error);
}

/**
 * Marks the errors of a part of a method. For methods in which other errors come from the other side.
 *
 * @param part The part.
 * @param options As for {@linkcode ownOf}.
 */
export function owning<T>(part: () => T, options?: Signalled): T {
  try {
    const value = part();
    if (!(value instanceof Promise)) return value;
    return value.catch((error) => {
      throw ownOf(error, options);
    }) as T;
  } catch (error) {
    throw ownOf(error, options);
  }
}

/** Whether code of the application threw this error for the client. */
export function isForClient(error: unknown): error is HubError {
  return isHubError(error) && !OWN.has(error);
}

/** Whether it is an error of the hub's own that may go away by itself. */
export function isOutage(error: unknown): error is HubError {
  return isHubError(error) && OWN.has(error) && AWAY.has(error.code);
}

/**
 * The form in which an error goes to a client.
 *
 * @param error What was thrown.
 * @param internal The message of an error that is not for the client.
 */
export function toClientError(error: unknown, internal: string): WireError {
  if (isOutage(error)) return { code: error.code, message: AWAY.get(error.code)! };
  return toWireError(isForClient(error) ? error : undefined, internal);
}
