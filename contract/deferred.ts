/**
 * A promise and its two ends, on every engine.
 *
 * @module
 */

/** What {@linkcode defer} makes. */
export interface Deferred<T> {
  /** The promise. */
  readonly promise: Promise<T>;
  /** Fulfils it. */
  readonly resolve: (value: T | PromiseLike<T>) => void;
  /** Rejects it. */
  readonly reject: (reason: unknown) => void;
}

/** `Promise.withResolvers`, which engines of phones and browsers before 2024 do not have. */
export function defer<T>(): Deferred<T> {
  let [resolve, reject] = [] as unknown as [Deferred<T>["resolve"], Deferred<T>["reject"]];
  const promise = new Promise<T>((...ends) => [resolve, reject] = ends);
  return { promise, resolve, reject };
}
