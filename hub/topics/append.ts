/**
 * Appending to a store in bounded time, with a clear word on what became of the message.
 *
 * @module
 */

import { type Clock, HubError, isHubError, type Position } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";

/** How an append is waited for. */
export interface AppendWait {
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** What is kept where, for errors: `a message of "x" in redis`. */
  readonly what: string;
  /** All who wait, where they may be told that the hub waits no longer. */
  readonly waits?: Waits;
}

/**
 * All who wait for a store. Not an `AbortSignal`: for each that begins to listen it looks at all who do, and thousands of
 * messages may be under way.
 */
export class Waits {
  readonly #all = new Set<(error: HubError) => void>();

  /** One more waits, and gives up when it is called. */
  add(giveUp: (error: HubError) => void): void {
    this.#all.add(giveUp);
  }

  /** It waits no more. */
  delete(giveUp: (error: HubError) => void): void {
    this.#all.delete(giveUp);
  }

  /** Has all give up. */
  end(error: HubError): void {
    for (const giveUp of [...this.#all]) giveUp(error);
  }
}

/**
 * Appends, and gives up on it in time. A store that knows, once its signal is aborted, that it has sent nothing, may still
 * say so: `UNAVAILABLE` is better news than `UNCERTAIN`.
 *
 * @param wait How.
 * @param append Is given a signal that is aborted when nobody waits any more.
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
    const cancel = clock.after(timeoutMs, () => giveUp(uncertain(what, `${timeoutMs} ms are over`)));
    const stop = () => {
      cancel();
      waits?.delete(giveUp);
    };
    waits?.add(giveUp);
    Promise.resolve(answer).then(resolve, (error) => reject(verdict(what, error))).finally(stop);
  });
}

/**
 * The error of a message that may be kept.
 *
 * @param what What may be kept where.
 * @param why Why nobody knows.
 * @param cause What caused it.
 */
export function uncertain(what: string, why: string, cause?: unknown): HubError {
  return new HubError(
    "UNCERTAIN",
    `Cannot tell whether ${what} is kept: ${why}. Publish it again with the same id`,
    { cause },
  );
}

/** What the store says stands, where it says anything about the message. */
function verdict(what: string, error: unknown): HubError {
  return isHubError(error) ? error : uncertain(what, "the store has failed", error);
}
