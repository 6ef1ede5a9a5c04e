/**
 * Appends to a store, but waits never longer than a timeout. The error says whether the message may be kept.
 *
 * @module
 */

import { type Clock, HubError, isHubError, type Position } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";

/** How to wait for an append. */
export interface AppendWait {
  /** The clock. */
  readonly clock: Clock;
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** The message and its store, for errors: `a message of "x" in redis`. */
  readonly what: string;
  /** All waiting appends, so that a hub that closes can end them. */
  readonly waits?: Waits;
}

/**
 * All appends that wait for a store. It is not an `AbortSignal`, because thousands of messages may wait: for each new
 * listener, a signal looks at all others.
 */
export class Waits {
  readonly #all = new Set<(error: HubError) => void>();

  /** Adds an append, by its function that gives up. */
  add(giveUp: (error: HubError) => void): void {
    this.#all.add(giveUp);
  }

  /** Removes an append. */
  delete(giveUp: (error: HubError) => void): void {
    this.#all.delete(giveUp);
  }

  /** Ends all waiting appends with an error. */
  end(error: HubError): void {
    for (const giveUp of [...this.#all]) giveUp(error);
  }
}

/**
 * Appends, and gives up after the timeout. When its signal is aborted, the store may still reject with `UNAVAILABLE`
 * if it has sent nothing. This tells the caller more than `UNCERTAIN`.
 *
 * @param wait How to wait.
 * @param append Appends. Gets a signal that is aborted when the wait is over.
 * @returns The position; rejects with the error of the store, or `UNCERTAIN`.
 */
export function appendInTime(
  { clock, timeoutMs, what, waits }: AppendWait,
  append: (signal: AbortSignal) => Position | Promise<Position>,
): Position | Promise<Position> {
  const aborter = new AbortController();
  let answer: Position | Promise<Position>;
  try {
    answer = append(aborter.signal);
  } catch (error) {
    throw verdict(what, error);
  }
  if (!isPromise(answer)) return answer;
  return new Promise((resolve, reject) => {
    const giveUp = (error: unknown) => {
      stop();
      aborter.abort(error);
      clock.endOfTurn(() => reject(error));
    };
    const cancel = clock.after(timeoutMs, () => giveUp(uncertain(what, `no answer within ${timeoutMs} ms`)));
    const stop = () => {
      cancel();
      waits?.delete(giveUp);
    };
    waits?.add(giveUp);
    Promise.resolve(answer).then(resolve, (error) => reject(verdict(what, error))).finally(stop);
  });
}

/**
 * Makes the error of a message that may be kept.
 *
 * @param what The message and its store.
 * @param why Why it is not known.
 * @param cause The error behind it.
 */
export function uncertain(what: string, why: string, cause?: unknown): HubError {
  return new HubError(
    "UNCERTAIN",
    `Cannot tell whether ${what} is kept: ${why}. Publish it again with the same id`,
    { cause },
  );
}

/** The store's own error, if it is a `HubError`; else `UNCERTAIN`. */
function verdict(what: string, error: unknown): HubError {
  return isHubError(error) ? error : uncertain(what, "the store has failed", error);
}
