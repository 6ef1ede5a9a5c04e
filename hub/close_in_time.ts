/**
 * Closes the parts of a hub that depend on an adapter or a store.
 *
 * @module
 */

import { type Clock, HubError } from "../contract/mod.ts";
import type { HubErrorInfo } from "./api/options.ts";

/** How long a part may take beyond the timeout of what it depends on, in milliseconds. */
const SPARE_MS = 5_000;

/** Options of {@linkcode closeInTime}. */
export interface CloseInTimeOptions {
  /** The clock. */
  readonly clock: Clock;
  /** How long the adapter and stores may take for one operation, in milliseconds. */
  readonly timeoutMs: number;
  /** Gets the errors. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/**
 * Closes a part. It waits no longer than `timeoutMs` and 5 seconds. Never rejects: the parts that come after this one must
 * be closed too, and the application waits before it ends the process.
 *
 * @param what The name of the part, for errors.
 * @param close Closes it.
 * @param options Its options.
 */
export async function closeInTime(
  what: string,
  close: () => void | Promise<void>,
  { clock, timeoutMs, onError }: CloseInTimeOptions,
): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const ms = timeoutMs + SPARE_MS;
  const stop = clock.after(ms, () => {
    const error = new HubError(
      "TIMEOUT",
      `Cannot close ${what} within ${ms} ms: it may still hold its connections`,
    );
    onError(error, { stage: "close" });
    resolve();
  });
  try {
    await Promise.race([close(), late]);
  } catch (error) {
    onError(error, { stage: "close" });
  }
  stop();
}
