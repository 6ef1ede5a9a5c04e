/**
 * The changes of a place as an async iterator. Changes wait until the reader takes them.
 *
 * @module
 */

import { HubError, type PresenceChange } from "../../contract/mod.ts";
import type { ChangeListener } from "./listeners.ts";

/** How many changes may wait for a reader. */
export const MAX_UNREAD = 10_000;

type Step = IteratorResult<PresenceChange, undefined>;

const DONE: Step = { done: true, value: undefined };

/** Reads the changes of a place. */
export class ChangeReader implements AsyncIterableIterator<PresenceChange, undefined> {
  readonly #name: string;
  readonly #unread: PresenceChange[] = [];
  readonly #waiting: PromiseWithResolvers<Step>[] = [];
  #stop = () => {};
  #ended = false;
  /** The error that the reader gets once, after the waiting changes. */
  #error: HubError | undefined;

  /**
   * @param name The place, for the error.
   * @param listen Adds a listener for its changes; returns the function that removes it.
   */
  constructor(name: string, listen: (listener: ChangeListener) => () => void) {
    this.#name = name;
    this.#stop = listen({ changed: (change) => this.#take(change), closed: () => this.#end() });
  }

  next(): Promise<Step> {
    const value = this.#unread.shift();
    if (value) return Promise.resolve({ done: false, value });
    const error = this.#error;
    this.#error = undefined;
    if (error) return Promise.reject(error);
    if (this.#ended) return Promise.resolve(DONE);
    const step = Promise.withResolvers<Step>();
    this.#waiting.push(step);
    return step.promise;
  }

  return(): Promise<Step> {
    this.#unread.length = 0;
    this.#error = undefined;
    this.#end();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(value: PresenceChange): void {
    const step = this.#waiting.shift();
    if (step) return step.resolve({ done: false, value });
    if (this.#unread.push(value) <= MAX_UNREAD) return;
    this.#unread.length = 0;
    const behind = `Stopped reading changes of "${this.#name}": more than ${MAX_UNREAD} changes waited`;
    this.#error = new HubError("RATE_LIMITED", behind);
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#stop();
    for (const step of this.#waiting.splice(0)) step.resolve(DONE);
  }
}
