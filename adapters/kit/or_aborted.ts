/**
 * A wait that a signal can end.
 *
 * @module
 */

/**
 * Waits for a promise, or until a signal is aborted. If the signal is aborted first, or was aborted before, it rejects
 * with the signal's reason.
 *
 * @param promise The promise to wait for. Its later result is ignored.
 * @param signal The signal, if there is one.
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const settle = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error) => {
        settle();
        reject(error);
      },
    );
  });
}
