/**
 * Helpers for abort signals that work on every engine.
 *
 * @module
 */

import type { WebAbortSignal } from "./platform/types.ts";

/**
 * Returns why a signal was aborted. Some engines (React Native) keep no `reason`: there it is an `AbortError`, as on
 * the other engines.
 *
 * @param signal A signal that was aborted.
 */
export function abortReason(signal: WebAbortSignal): unknown {
  return (signal as AbortSignal).reason ??
    Object.assign(new Error("The operation was aborted"), { name: "AbortError" });
}

/**
 * Throws if a signal is already aborted. Some engines have no `signal.throwIfAborted`.
 *
 * @param signal The signal, if there is one.
 */
export function throwIfAborted(signal: WebAbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}
