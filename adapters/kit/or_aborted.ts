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
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
