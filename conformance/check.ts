/** The few assertions that the suites use, so that the suites have no dependencies. */

/** Fails if the condition does not hold. */
export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Fails if the two values have different JSON. Bytes are compared by value. */
export function checkSame(actual: unknown, expected: unknown, what: string): void {
  if (actual === expected || isSameBytes(actual, expected)) return; // JSON of 1 MiB of bytes takes long
  const [got, wanted] = [describe(actual), describe(expected)];
  if (got !== wanted) throw new Error(`${what}: expected ${shorten(wanted)}, got ${shorten(got)}`);
}

/** Fails if the promise does not reject. Returns the error. */
export async function checkRejects(promise: Promise<unknown>, what: string): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    check(error instanceof Error, `${what}: expected an Error, got ${String(error)}`);
    return error;
  }
  throw new Error(`${what}: expected a rejection`);
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean, what: () => string, timeoutMs: number): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    const waited = performance.now() - start;
    if (waited > timeoutMs) throw new Error(`Waited ${timeoutMs} ms for ${what()}`);
    // The longer the wait, the rarer the checks: each check takes time from the code under test.
    await new Promise((resolve) => setTimeout(resolve, Math.min(2 + waited / 100, 20)));
  }
}

/** Fails if the promise takes longer than the timeout. */
export async function settles<T>(promise: PromiseLike<T>, what: string, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Waited ${timeoutMs} ms for ${what}`)), timeoutMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Random numbers from 0 to below 1 that repeat for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function isSameBytes(actual: unknown, expected: unknown): boolean {
  if (!(actual instanceof Uint8Array && expected instanceof Uint8Array)) return false;
  // A subclass of `Uint8Array` may have its own JSON.
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return false;
  return actual.length === expected.length && actual.every((byte, i) => byte === expected[i]);
}

function describe(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) => part instanceof Uint8Array ? { bytes: Array.from(part).join() } : part,
  );
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text;
}
