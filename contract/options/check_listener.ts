/**
 * Checks listeners when they are given, not when they are called.
 *
 * @module
 */

import { wrong } from "./read_options.ts";

/**
 * Checks that a listener is a function. A wrong one would otherwise show only at the first event.
 *
 * @param listener The value that was given.
 * @param owner The call that takes it, for the error.
 * @throws {TypeError} When it is not a function.
 */
export function checkListener(listener: unknown, owner: string): void {
  if (typeof listener !== "function") throw wrong(listener, { owner, path: "the listener" }, "a function");
}
