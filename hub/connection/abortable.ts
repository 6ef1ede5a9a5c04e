/**
 * An abort signal that is made when somebody looks at it: most never do, and it is costly.
 *
 * @module
 */

/** What may be aborted. */
export class Abortable {
  #aborter: AbortController | undefined;
  #reason: Error | undefined;

  /** Aborted when this is, also when that was before anybody looked. */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#reason) this.#aborter.abort(this.#reason);
    return this.#aborter.signal;
  }

  /** Aborts the signal; the first reason counts. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#aborter?.abort(reason);
  }
}
