/**
 * Calls into the user's code.
 *
 * @module
 */

/**
 * Calls a listener so that nothing it does hurts the caller or its siblings.
 *
 * @param listener The user's code; may be asynchronous.
 * @param onError Takes what it throws, at once or later.
 */
export function callSafely(listener: () => unknown, onError: (error: unknown) => void): void {
  try {
    const result = listener();
    if (result instanceof Promise) result.catch(onError);
  } catch (error) {
    onError(error);
  }
}
