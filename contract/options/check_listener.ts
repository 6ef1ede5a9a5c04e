/**
 * What is to be called later, checked when it is given.
 *
 * @module
 */

import { wrong } from "./read_options.ts";

/**
 * Checks what is to be told of something: nobody may notice a wrong one until it happens.
 *
 * @param listener What was given.
 * @param owner The call that takes it, for the error.
 * @throws {TypeError} When it is no function.
 */
export function checkListener(listener: unknown, owner: string): void {
  if (typeof listener !== "function") throw wrong(listener, { owner, path: "the listener" }, "a function");
}
