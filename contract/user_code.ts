/**
 * The guard around code of the application: handlers, listeners, schemas, hooks. Whatever such code throws or gives
 * back is touched here, inside a `try`, and nowhere else.
 *
 * @module
 */

/** A value with a `then`: a promise, or what a library gives out in place of one. */
type Then = (this: unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void) => unknown;

/** A promise that leads to a promise, and so on: so many steps are followed. One that leads to itself has no end. */
const MAX_STEPS = 64;

const nativeThen: Then = Promise.prototype.then as Then;

function thenOf(value: unknown): Then | undefined {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return undefined;
  const { then } = value as { readonly then?: unknown };
  return typeof then === "function" ? then as Then : undefined;
}

const ignore = (): void => {};

/** Follows a value with a `then` to what it ends with. The first word counts, as with promises. */
function follow(
  value: unknown,
  then: Then,
  steps: number,
  resolve: (value: unknown) => void,
  reject: (error: unknown) => void,
): void {
  let over = false;
  const fail = (error: unknown) => {
    if (!over) reject(error);
    over = true;
  };
  const go = (next: unknown) => {
    if (over) return;
    over = true;
    try {
      const more = next === value ? then : thenOf(next);
      if (!more) resolve(next);
      else if (next === value || steps === 0) {
        reject(new TypeError("A promise that leads to itself never ends"));
      } else follow(next, more, steps - 1, resolve, reject);
    } catch (error) {
      reject(error);
    }
  };
  try {
    then.call(value, go, fail);
  } catch (error) {
    fail(error);
  }
}

/**
 * The promise in what code of the application gave back. Call it in the same `try` as that code: a `then` may be a
 * getter that throws.
 *
 * @param value What was given back.
 * @returns A promise of the platform that settles as the value does, and is safe to use anywhere; `undefined` when
 * the value is not a promise, and no `then` needs to be waited for.
 * @throws Whatever the getter of `then` throws.
 */
export function promiseOf<T>(value: T): Promise<Awaited<T>> | undefined {
  const then = thenOf(value);
  if (!then) return undefined;
  if (then === nativeThen && (value as { readonly constructor?: unknown }).constructor === Promise) {
    nativeThen.call(value, ignore, ignore); // throws when it only looks like a promise
    return value as unknown as Promise<Awaited<T>>;
  }
  return new Promise((resolve, reject) =>
    follow(value, then, MAX_STEPS, resolve as (value: unknown) => void, reject)
  );
}

/**
 * Calls code of the application for which nobody waits, so that nothing that it does hurts the caller or whoever is
 * called next.
 *
 * @param call The call; may be asynchronous.
 * @param failed Takes what it throws, at once or later. It does not throw.
 */
export function callSafely(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    promiseOf(call())?.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/**
 * Names the kind of a value, for an error's message: never the value itself, which may be a secret.
 *
 * @param value Anything.
 */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "undefined";
  if (typeof value === "boolean") return String(value);
  try {
    if (Array.isArray(value)) return "a list";
    if (thenOf(value)) return "a promise";
  } catch {
    // it throws when somebody looks at it: an object
  }
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * Makes the function that errors are reported to, whatever the application's own does. It never throws.
 *
 * @param onError The application's function; may be asynchronous.
 * @returns Hands the error over; what the application's function throws goes to the console.
 */
export function guardReports<Info>(
  onError: (error: unknown, info: Info) => unknown,
): (error: unknown, info: Info) => void {
  return (error, info) =>
    callSafely(() => onError(error, info), (failure) => {
      try {
        console.error("[trunkline] onError threw", failure, "when told of", error);
      } catch {
        console.error("[trunkline] onError threw what the console cannot show");
      }
    });
}
