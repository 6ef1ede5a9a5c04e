/**
 * A promise with its `resolve` and `reject`, on every engine.
 *
 * @module
 */

/** A promise with its two functions, made by {@linkcode defer}. */
export interface Deferred<T> {
  /** The promise. */
  readonly promise: Promise<T>;
  /** Fulfils it. */
  readonly resolve: (value: T | PromiseLike<T>) => void;
  /** Rejects it. */
  readonly reject: (reason: unknown) => void;
}

/** The same as `Promise.withResolvers`. Phones and browsers from before 2024 do not have that function. */
export function defer<T>(): Deferred<T> {
  let [resolve, reject] = [] as unknown as [Deferred<T>["resolve"], Deferred<T>["reject"]];
  const promise = new Promise<T>((...ends) => [resolve, reject] = ends);
  return { promise, resolve, reject };
}
