/**
 * The guard around code of the application: handlers, listeners, schemas, hooks. Everything that such code throws or
 * returns is handled here, inside a `try`.
 *
 * @module
 */

/** The method `then` of a promise, or of an object that a library gives in place of one. */
type Then = (this: unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void) => unknown;

/** How many steps to follow if a promise leads to a promise. One that leads to itself would never end. */
const MAX_STEPS = 64;

const nativeThen: Then = Promise.prototype.then as Then;

function thenOf(value: unknown): Then | undefined {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return undefined;
  const { then } = value as { readonly then?: unknown };
  return typeof then === "function" ? then as Then : undefined;
}

const ignore = (): void => {};

/**
 * Follows a value with a `then` to its final value. Each next value is wrapped in a list. Otherwise the platform
 * would follow it by itself, without a limit.
 */
async function follow(value: unknown, then: Then, steps: number): Promise<unknown> {
  const [next] = await new Promise<[unknown]>((resolve, reject) =>
    then.call(value, (next) => resolve([next]), reject)
  );
  const more = next === value ? then : thenOf(next);
  if (!more) return next;
  if (next === value || steps === 0) throw new TypeError("A promise leads to itself");
  return await follow(next, more, steps - 1);
}

/**
 * Returns the promise in a value that application code returned. Call it in the same `try` as that code, because
 * `then` may be a getter that throws.
 *
 * @param value The value that was returned.
 * @returns A promise of the platform that settles in the same way, and is safe to use anywhere. `undefined` if the
 * value is not a promise.
 * @throws What the getter of `then` throws.
 */
export function promiseOf<T>(value: T): Promise<Awaited<T>> | undefined {
  const then = thenOf(value);
  if (!then) return undefined;
  if (then === nativeThen && (value as { readonly constructor?: unknown }).constructor === Promise) {
    nativeThen.call(value, ignore, ignore); // throws if it only looks like a promise
    return value as unknown as Promise<Awaited<T>>;
  }
  return follow(value, then, MAX_STEPS) as Promise<Awaited<T>>;
}

/**
 * Calls application code whose result is not awaited. Its errors never affect the caller or the next call.
 *
 * @param call The call. It may be asynchronous.
 * @param failed Gets the error that it throws, at once or later. It must not throw.
 */
export function callSafely(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    promiseOf(call())?.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/**
 * Calls each listener of a set. A listener that an earlier one removes is not called. An error of one listener does
 * not affect the others.
 *
 * @param listeners The listeners.
 * @param call Calls one of them. It may be asynchronous.
 * @param failed Gets the error that it throws, at once or later. It must not throw.
 */
export function callEach<T>(
  listeners: ReadonlySet<T>,
  call: (listener: T) => unknown,
  failed: (error: unknown) => void,
): void {
  for (const listener of [...listeners]) {
    if (listeners.has(listener)) callSafely(() => call(listener), failed);
  }
}

/**
 * Names the kind of a value, for an error's message. It never shows the value itself, which may be a secret.
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
    // reading it threw: it is an object
  }
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * Makes a function that reports errors to the application. It never throws, even if the application's function does.
 *
 * @param onError The application's function. It may be asynchronous.
 * @returns Reports an error. If the application's function throws, that error goes to the console.
 */
export function guardReports<Info>(
  onError: (error: unknown, info: Info) => unknown,
): (error: unknown, info: Info) => void {
  return (error, info) =>
    callSafely(() => onError(error, info), (failure) => {
      try {
        console.error("[trunkline] onError threw", failure, "for the error", error);
      } catch {
        console.error("[trunkline] onError threw what the console cannot show");
      }
    });
}
