/**
 * Abort signals, on every engine.
 *
 * @module
 */

import type { WebAbortSignal } from "./platform/types.ts";

/**
 * Why a signal was aborted. Engines that keep no `reason` (React Native) get an `AbortError`, as the others make it.
 *
 * @param signal A signal that was aborted.
 */
export function abortReason(signal: WebAbortSignal): unknown {
  return (signal as AbortSignal).reason ??
    Object.assign(new Error("The operation was aborted"), { name: "AbortError" });
}

/**
 * Throws when a signal was aborted already; `signal.throwIfAborted` is not there on every engine.
 *
 * @param signal The signal, if there is one.
 */
export function throwIfAborted(signal: WebAbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}
