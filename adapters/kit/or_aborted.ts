/**
 * Waits that a signal ends.
 *
 * @module
 */

/**
 * Waits for a promise, or until a signal is aborted: then it rejects with the signal's reason. A signal that is aborted
 * already wins.
 *
 * @param promise What to wait for; what becomes of it later is nobody's business.
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
