/**
 * Waits for changes of servers.
 *
 * @module
 */

const POLL_INTERVAL_MS = 25;

/**
 * Waits until a condition is true. A condition that throws counts as not true yet.
 *
 * @param condition The condition.
 * @param what A description of the condition, for the error's message.
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
