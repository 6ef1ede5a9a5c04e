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

/**
 * Follows a value with a `then` to what it ends with. What it leads to is put into a list at every step: the platform
 * would follow it by itself, without end.
 */
async function follow(value: unknown, then: Then, steps: number): Promise<unknown> {
  const [next] = await new Promise<[unknown]>((resolve, reject) =>
    then.call(value, (next) => resolve([next]), reject)
  );
  const more = next === value ? then : thenOf(next);
  if (!more) return next;
  if (next === value || steps === 0) throw new TypeError("A promise that leads to itself never ends");
  return await follow(next, more, steps - 1);
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
  return follow(value, then, MAX_STEPS) as Promise<Awaited<T>>;
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
 * Calls each of those who listen now and still do when it is their turn: one before them may end that. What a call
 * throws hurts no other.
 *
 * @param listeners Who listens.
 * @param call Calls one of them; may be asynchronous.
 * @param failed Takes what it throws, at once or later. It does not throw.
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
