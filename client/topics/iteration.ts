/**
 * `for await` over a topic: a subscription whose messages wait until the loop reads them.
 *
 * @module
 */

import { defer, type Deferred, HubError } from "../../contract/mod.ts";
import type { Subscription } from "../api/mod.ts";

/** The largest number of messages that wait for a slow loop. */
export const MAX_WAITING = 10_000;

/** A `next` that waits for a message. */
type Asker = Deferred<IteratorResult<unknown>>;

/**
 * Iterates over the messages of a topic from now on, in order, each once; see `ClientTopic`.
 *
 * @param topic The topic's name.
 * @param subscribe Subscribes to the topic.
 * @param left Whether the user closed the client. Then the loop ends without an error.
 */
export function iterate(
  topic: string,
  subscribe: (listener: (payload: unknown) => void) => Subscription,
  left: () => boolean,
): AsyncIterableIterator<unknown> {
  const waiting: unknown[] = [];
  const askers: Asker[] = [];
  let ended = false;
  let cause: unknown;

  function end(why?: unknown): void {
    if (ended) return;
    ended = true;
    if (askers.length === 0) cause = why; // the next call of `next` gets it
    for (const [i, asker] of askers.splice(0).entries()) {
      if (i === 0 && why !== undefined) asker.reject(why);
      else asker.resolve({ done: true, value: undefined });
    }
  }

  const subscription = subscribe((payload) => {
    const asker = askers.shift();
    if (asker) return asker.resolve({ done: false, value: payload });
    if (waiting.push(payload) <= MAX_WAITING) return;
    waiting.pop();
    end(
      new HubError(
        "UNAVAILABLE",
        `Cannot iterate over "${topic}": ${MAX_WAITING} messages wait. Read faster, or use a listener`,
      ),
    );
    subscription.unsubscribe();
  });
  void subscription.ready; // a refusal is thrown in the loop, not reported
  subscription.closed.then((why) => end(left() ? undefined : why));

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      const asker = defer<IteratorResult<unknown>>();
      if (waiting.length > 0) asker.resolve({ done: false, value: waiting.shift() });
      else if (!ended) askers.push(asker);
      else if (cause === undefined) asker.resolve({ done: true, value: undefined });
      else {
        asker.reject(cause);
        cause = undefined; // only once: then the iteration is over
      }
      return asker.promise;
    },
    return() {
      waiting.length = 0;
      end();
      cause = undefined;
      subscription.unsubscribe();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
