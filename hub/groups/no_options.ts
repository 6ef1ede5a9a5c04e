/**
 * Refuses options of calls that have none.
 *
 * @module
 */

/**
 * Refuses a third argument of `emit`. Without the error, `except` would be ignored in silence, and the event would reach
 * the connection that it should leave out.
 *
 * @param given The argument.
 * @throws {TypeError} When it is given.
 */
export function refuseOptions(given: unknown): void {
  if (given === undefined) return;
  throw new TypeError(
    "Cannot use options of emit: it has none. To leave a connection out, put the others into a room: " +
      "hub.room(name).broadcast(event, payload, { except })",
  );
}
