/**
 * The requests of this node for changes that it missed. Each node gets one request at a time. A request is retried
 * until it is answered.
 *
 * @module
 */

import type { Clock } from "../../../contract/mod.ts";

/** The options of {@linkcode Requests}. */
export interface RequestsOptions {
  /** The clock for timeouts. */
  readonly clock: Pick<Clock, "after">;
  /** A number from 0 up to, not including, 1. */
  random(): number;
  /** The first timeout, in milliseconds. It doubles with each missing answer. */
  readonly firstMs: number;
  /** The longest timeout, in milliseconds. */
  readonly maxMs: number;
  /** Sends a request to a node. */
  ask(node: string): void;
  /**
   * Called when a request got no answer in time.
   *
   * @param attempts How many requests in a row got no answer.
   * @returns Whether to retry.
   */
  onSilence(node: string, attempts: number): boolean;
}

interface Request {
  attempts: number;
  /** The version that the answer leads to, once the answer has begun. */
  reaches: number | undefined;
  stop: () => void;
}

/** The requests without a complete answer. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #open = new Map<string, Request>();

  /** @param options Its options. */
  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** How many nodes have not completed their answer. */
  get size(): number {
    return this.#open.size;
  }

  /** Sends a request to a node, unless one is open. */
  begin(node: string): void {
    if (this.#open.has(node)) return;
    const request: Request = { attempts: 0, reaches: undefined, stop() {} };
    this.#open.set(node, request);
    this.#ask(node, request);
  }

  /** Sends the request to a node again, now. */
  again(node: string): void {
    const request = this.#open.get(node);
    if (request) this.#ask(node, request);
  }

  /** Whether a request to a node is open, and its answer has not begun. */
  isUnanswered(node: string): boolean {
    const request = this.#open.get(node);
    return request !== undefined && request.reaches === undefined;
  }

  /** The version that the answer of a node leads to. */
  reachesOf(node: string): number | undefined {
    return this.#open.get(node)?.reaches;
  }

  /** A node has begun to answer. */
  answered(node: string, reaches: number): void {
    const request = this.#open.get(node);
    if (request) request.reaches = reaches;
    this.goOn(node);
  }

  /** A part of the answer has arrived. */
  goOn(node: string): void {
    const request = this.#open.get(node);
    if (!request) return;
    request.attempts = 0;
    this.#wait(node, request);
  }

  /** Ends the request to a node. */
  end(node: string): void {
    this.#open.get(node)?.stop();
    this.#open.delete(node);
  }

  /** Ends all requests. */
  close(): void {
    for (const node of [...this.#open.keys()]) this.end(node);
  }

  #ask(node: string, request: Request): void {
    request.reaches = undefined;
    this.#wait(node, request);
    this.#options.ask(node);
  }

  #wait(node: string, request: Request): void {
    const { clock, random, firstMs, maxMs, onSilence } = this.#options;
    request.stop();
    const longest = Math.min(firstMs * 2 ** request.attempts, maxMs);
    // Half of the delay is random, so that nodes that ask together after an outage do not retry together.
    request.stop = clock.after(longest * (1 + random()) / 2, () => {
      request.attempts++;
      if (onSilence(node, request.attempts)) this.#ask(node, request);
      else this.#open.delete(node);
    }, { background: true });
  }
}
