/**
 * An abort signal that is made on demand: it is expensive, and most signals are never read.
 *
 * @module
 */

/** Something that can be aborted. */
export class Abortable {
  #aborter: AbortController | undefined;
  #reason: Error | undefined;

  /** The signal. It is aborted also when `abort` was called before the first read. */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#reason) this.#aborter.abort(this.#reason);
    return this.#aborter.signal;
  }

  /** Aborts the signal. The first reason counts. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#aborter?.abort(reason);
  }
}
