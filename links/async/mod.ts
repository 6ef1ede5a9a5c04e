/**
 * An offline replacement for the few functions of `@std/async` that the tests, benchmarks and tools of this
 * repository use.
 *
 * @module
 */

/** Options of {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the wait early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Resolves after a number of milliseconds.
 *
 * @param ms How long to wait, in milliseconds.
 * @param options A signal that ends the wait early.
 * @returns A promise that resolves when the time is up, and rejects when the signal aborts.
 */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Options of {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Ends the wait early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Waits for a promise, but not for longer than a number of milliseconds.
 *
 * @param promise The promise to wait for.
 * @param ms How long to wait at most, in milliseconds.
 * @param options A signal that ends the wait early.
 * @returns The promise's value. Rejects with a `TimeoutError` when the time is up first.
 */
export async function deadline<T>(
  promise: Promise<T>,
  ms: number,
  options: DeadlineOptions = {},
): Promise<T> {
  const settled = new AbortController();
  const signals = options.signal ? [options.signal, settled.signal] : [settled.signal];
  const late = delay(ms, { signal: AbortSignal.any(signals) }).then(() => {
    throw new DOMException("Signal timed out.", "TimeoutError");
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => {});
    settled.abort();
  }
}
