/**
 * The one way tests are written here: registered the same on Deno and on Bun, waiting for conditions, never for time.
 *
 * @module
 */

import { runtime } from "./runtime.ts";

export { runtime };

/** Options of {@linkcode test}. */
export interface TestOptions {
  /**
   * How long the test may take before it fails.
   *
   * @default {30_000}
   */
  timeoutMs?: number;
  /** Resources that a library keeps open after its first use in a process, if any: then Deno does not check for leaks. */
  leaves?: string;
}

/** A test's body. */
export type TestFunction = () => void | Promise<void>;

/** Registers tests; see {@linkcode test}. */
export interface Test {
  (name: string, fn: TestFunction, options?: TestOptions): void;
  /** Registers a test that does not run, and why; the reason is part of the reported name. */
  skip(name: string, reason: string): void;
}

/** The part of Bun's test module that is used. */
interface BunTest {
  (name: string, fn: TestFunction, options: { timeout: number }): void;
  skip(name: string, fn: TestFunction): void;
}

interface BunTestModule {
  readonly test: BunTest;
  afterAll(fn: TestFunction): void;
}

// So long that a busy machine is not taken for a fault. How fast something is, tests measure by other means.
const DEFAULT_TIMEOUT_MS = 60_000;

// Not a literal, so that Deno does not look for a module that only Bun has.
const BUN_TEST_MODULE = "bun:test";
const bun: BunTestModule | undefined = runtime === "bun" ? await import(BUN_TEST_MODULE) : undefined;
const bunTest = bun?.test;

/**
 * Ends what the tests of a file share, which was started before they were registered.
 *
 * @param fn Ends it.
 */
export function afterAll(fn: TestFunction): void {
  if (bun) bun.afterAll(fn);
  else Deno.test.afterAll(fn);
}

/**
 * Registers a test on the runtime that is running. Deno also checks that the test leaves no operation, resource or exit
 * behind.
 *
 * @param name The behaviour that the test shows.
 * @param fn The test's body.
 * @param options How long it may take.
 */
export const test: Test = Object.assign(
  (name: string, fn: TestFunction, options: TestOptions = {}): void => {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, leaves } = options;
    if (bunTest) return bunTest(name, fn, { timeout: timeoutMs });
    Deno.test({
      name,
      fn: () => within(timeoutMs, `Test took longer than ${timeoutMs} ms`, fn),
      sanitizeOps: !leaves,
      sanitizeResources: !leaves,
      sanitizeExit: true,
    });
  },
  {
    skip(name: string, reason: string): void {
      const title = `${name} [skipped: ${reason}]`;
      if (bunTest) bunTest.skip(title, () => {});
      else Deno.test({ name: title, ignore: true, fn: () => {} });
    },
  },
);

/** Options of {@linkcode waitFor}. */
export interface WaitForOptions {
  /**
   * How long to wait before giving up. So long that a busy machine is not taken for a fault.
   * Time in which the process was too busy to look does not count.
   *
   * @default {15_000}
   */
  timeoutMs?: number;
  /** A description of the condition, for the error's message. */
  what?: string;
  /**
   * How often the condition is looked at.
   *
   * @default {5} At first; the longer it takes the less often, as looking takes time from what it waits for.
   */
  intervalMs?: number;
}

/** A type without its falsy values. */
export type Truthy<T> = Exclude<T, false | 0 | 0n | "" | null | undefined>;

/** How often a condition is looked at where nothing else is asked for, when so long has been waited for it. */
const intervalAfter = (waitedMs: number): number => Math.min(5 + waitedMs / 100, 20);

/**
 * Waits until a condition holds. A condition that throws does not hold yet, so it may be made of assertions that end in
 * `return true`.
 *
 * @example
 * ```ts ignore
 * await waitFor(() => received.length === 3, { what: "three messages" });
 * ```
 *
 * @param condition What must become truthy; may be asynchronous.
 * @param options How long to wait, and for what.
 * @returns The condition's first truthy value. Rejects when the time is up, with the condition's last error as the cause.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitForOptions = {},
): Promise<Truthy<T>> {
  const { timeoutMs = 15_000, what = "a condition", intervalMs } = options;
  const message = `Waited ${timeoutMs} ms for ${what}`;
  for (let waitedMs = 0;;) {
    const looked = performance.now();
    let cause: unknown;
    try {
      const value = await within(Math.max(0, timeoutMs - waitedMs), message, condition);
      if (value) return value as Truthy<T>;
    } catch (error) {
      cause = error;
    }
    waitedMs += performance.now() - looked;
    if (waitedMs >= timeoutMs) throw new TimeoutError(message, { cause });
    const pauseMs = intervalMs ?? intervalAfter(waitedMs);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    // A longer pause says that the process was busy: what is waited for had no more time either.
    waitedMs += Math.max(pauseMs, 1);
  }
}

/** A wait of this file took too long. */
class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** Runs a function, but rejects when it takes longer than the limit. */
async function within<T>(timeoutMs: number, message: string, fn: () => T | Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TimeoutError(message)), timeoutMs);
  try {
    return await Promise.race([fn(), late]);
  } finally {
    clearTimeout(timer);
  }
}
