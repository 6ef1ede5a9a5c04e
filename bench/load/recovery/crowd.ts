/**
 * Many clients at once, and the messages that are published to them.
 *
 * @module
 */

import { wait } from "../cluster.ts";

/** How many clients connect at the same time, before the measurement. */
const AT_ONCE = 100;
/** The time limits of one attempt to publish, of each further story, and of all attempts together; in milliseconds. */
const ATTEMPT_MS = 3_000;
const STORY_MS = 5;
const PATIENCE_MS = 60_000;
/** How often to check a condition, in milliseconds. */
const LOOK_MS = 5;

/** Prints a line for the process that started this one. */
export const tell = (word: object): void => console.log(JSON.stringify(word));

/** Waits until a condition is true, or for so many milliseconds. Returns whether it is true. */
export async function until(isTrue: () => boolean, patienceMs: number): Promise<boolean> {
  const end = performance.now() + patienceMs;
  while (!isTrue()) {
    if (performance.now() > end) return false;
    await wait(LOOK_MS);
  }
  return true;
}

/** Connects so many clients, some at a time. Waits until each is live. */
export async function gather(clients: number, connect: (client: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < clients; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, clients - first) }, (_, i) => connect(first + i));
    await Promise.all(some);
  }
}

/** The order to publish. */
export interface Order {
  /** The number of the message, which is its text. A number is published once. */
  readonly number: number;
  /** Publishes to the stories from 0 up to `stories`, to every `step`-th of them; only to story 0 if absent. */
  readonly count?: number;
  readonly step?: number;
}

/**
 * Publishes on the first node, or on another node if that one does not answer. Repeats the same number until a node confirms it.
 *
 * @param ports The ports of the nodes.
 * @returns Whether a node has confirmed that it is published.
 */
export async function publish(
  ports: readonly number[],
  { number, count = 1, step = 1 }: Order,
): Promise<boolean> {
  const query = `number=${number}&count=${count}&step=${step}`;
  const attemptMs = ATTEMPT_MS + count / step * STORY_MS;
  const end = performance.now() + PATIENCE_MS;
  for (let attempt = 0; performance.now() < end; attempt++) {
    const url = `http://127.0.0.1:${ports[attempt % ports.length]}/publish?${query}`;
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(attemptMs) });
      await answer.body?.cancel();
      if (answer.ok) return true;
    } catch {
      // The node is gone, or cannot be reached.
    }
    await wait(LOOK_MS);
  }
  return false;
}
