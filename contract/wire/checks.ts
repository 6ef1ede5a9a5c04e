/**
 * What the elements of a message may be: checks of decoded values.
 *
 * @module
 */

import { HubError } from "../errors.ts";

/** Tells what an element is not. Whatever has properties may have more: a later version adds them. */
export type IsElement = (value: unknown) => boolean;

/**
 * An object with properties. What cannot be handed on is a `HubError` in a decoded message: only a payload or an error may
 * be that.
 */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof HubError);

/** A text. */
export const isText = (value: unknown): value is string => typeof value === "string";

/** A whole number from 0 up. */
export const isCount: IsElement = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

/** The id of a question. */
export const isId: IsElement = (value) => isCount(value) && value !== 0;

/** An error, also one that cannot be handed on. */
export const isError: IsElement = (value) =>
  isRecord(value) ? isText(value.code) && isText(value.message) : value instanceof HubError;

/** A text, or nothing. */
export const isTextOrAbsent: IsElement = (value) => value === undefined || isText(value);
