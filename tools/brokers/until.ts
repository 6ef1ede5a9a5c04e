/**
 * Waiting for what servers do in their own time.
 *
 * @module
 */

const POLL_INTERVAL_MS = 25;

/**
 * Waits until a condition holds; a condition that throws does not hold yet.
 *
 * @param condition What must become true.
 * @param what What it is, for the error's message.
 * @param timeoutMs How long to wait.
 */
export async function until(
  condition: () => Promise<boolean>,
  what: string,
  timeoutMs = 60_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      if (await condition()) return;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > end) throw new Error(`Waited ${timeoutMs} ms for ${what}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
