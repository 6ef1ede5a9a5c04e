/**
 * Many clients at once, and what is published to them.
 *
 * @module
 */

import { wait } from "../cluster.ts";

/** How many clients connect at once, before anything is measured. */
const AT_ONCE = 100;
/** How long one attempt to publish may take, with what each further story may add, and all together; in milliseconds. */
const ATTEMPT_MS = 3_000;
const STORY_MS = 5;
const PATIENCE_MS = 60_000;
/** How often to look whether something has become true, in milliseconds. */
const LOOK_MS = 5;

/** Says something to whoever started this process. */
export const tell = (word: object): void => console.log(JSON.stringify(word));

/** Waits until something is true, or for so many milliseconds; answers whether it is. */
export async function until(isTrue: () => boolean, patienceMs: number): Promise<boolean> {
  const end = performance.now() + patienceMs;
  while (!isTrue()) {
    if (performance.now() > end) return false;
    await wait(LOOK_MS);
  }
  return true;
}

/** Has so many clients connect, some at a time; each answers when it is live. */
export async function gather(clients: number, connect: (client: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < clients; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, clients - first) }, (_, i) => connect(first + i));
    await Promise.all(some);
  }
}

/** What to publish. */
export interface Order {
  /** The number that the message has for text; one number is published once. */
  readonly number: number;
  /** Up to which story, from number 0 on, and to every so many-th of them; to number 0 alone when absent. */
  readonly count?: number;
  readonly step?: number;
}

/**
 * Publishes, on the first node, or on another one while that does not answer: the same number again and again.
 *
 * @param ports Where the nodes listen.
 * @returns Whether a node has said that it is published.
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
      // The node is gone, or away.
    }
    await wait(LOOK_MS);
  }
  return false;
}
