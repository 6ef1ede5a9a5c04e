/**
 * Checks for the elements of decoded messages.
 *
 * @module
 */

import { HubError } from "../errors.ts";

/** Checks one element. An object may have more properties than are checked, because a later version may add some. */
export type IsElement = (value: unknown) => boolean;

/**
 * An object with properties, but not a `HubError`. In a decoded message a `HubError` marks an element that cannot be
 * read. Only a payload or an error may be one.
 */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof HubError);

/** A text. */
export const isText = (value: unknown): value is string => typeof value === "string";

/** A whole number from 0 up. */
export const isCount: IsElement = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

/** The id of a request. */
export const isId: IsElement = (value) => isCount(value) && value !== 0;

/** An error, or an error that cannot be read. */
export const isError: IsElement = (value) =>
  isRecord(value) ? isText(value.code) && isText(value.message) : value instanceof HubError;

/** A text, or nothing. */
export const isTextOrAbsent: IsElement = (value) => value === undefined || isText(value);
