/**
 * Why a value cannot travel.
 *
 * @module
 */

import { HubError } from "../errors.ts";
import { startOf, toWellFormed } from "./text.ts";

/** The keys on the way from a value to a value in it. */
export type Trail = (string | number)[];

/**
 * What cannot travel. Not an error: a frame may hold a hundred thousand bad values, and errors for all of them would
 * take most of a second.
 */
export class Refusal {
  readonly what: string;

  /** @param what What cannot travel. */
  constructor(what: string) {
    this.what = what;
  }
}

/** Says what cannot travel, and where it is. Anything but a refusal is an error of a getter, a proxy or `toJSON`. */
export function describe(thrown: unknown, trail: Trail): string {
  const what = thrown instanceof Refusal ? thrown.what : "a value that cannot be read";
  const path = shorten(trail.join("."));
  return path ? `${what} at "${path}"` : what;
}

/** The error of a getter, a proxy or `toJSON`, if any. */
export const causeOf = (thrown: unknown): unknown => thrown instanceof Refusal ? undefined : thrown;

/**
 * The error for a message of the wire.
 *
 * @param what What cannot be done.
 * @param why What cannot travel.
 * @param thrown The refusal, or the error of a getter, a proxy or `toJSON`.
 */
export const refuse = (what: string, why: string, thrown: unknown): HubError =>
  new HubError("BAD_REQUEST", `Cannot ${what}: it holds ${why}`, { cause: causeOf(thrown) });

/** Shortens text of the user's data, which may be malformed. */
export const shorten = (text: string): string => toWellFormed(startOf(text, 64));
