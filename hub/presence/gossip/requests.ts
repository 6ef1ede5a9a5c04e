/**
 * Whom this node has asked for what it missed: one question at a time to each, asked again until it is answered.
 *
 * @module
 */

import type { Clock } from "../../../contract/mod.ts";

/** What {@linkcode Requests} needs. */
export interface RequestsOptions {
  /** Where timeouts come from. */
  readonly clock: Pick<Clock, "after">;
  /** A number from 0 up to, not including, 1. */
  random(): number;
  /** How long the first answer may take, in milliseconds; the time doubles with each that does not come. */
  readonly firstMs: number;
  /** How long an answer may take at the most, in milliseconds. */
  readonly maxMs: number;
  /** Asks a node. */
  ask(node: string): void;
  /**
   * A question was left without an answer.
   *
   * @param attempts How many questions in a row.
   * @returns Whether to ask again.
   */
  onSilence(node: string, attempts: number): boolean;
}

interface Request {
  attempts: number;
  /** The version that the answer leads to, once it has begun. */
  reaches: number | undefined;
  stop: () => void;
}

/** The questions that are open. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #open = new Map<string, Request>();

  /** @param options What it needs. */
  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** How many nodes have yet to answer. */
  get size(): number {
    return this.#open.size;
  }

  /** Asks a node, unless it has yet to answer. */
  begin(node: string): void {
    if (this.#open.has(node)) return;
    const request: Request = { attempts: 0, reaches: undefined, stop() {} };
    this.#open.set(node, request);
    this.#ask(node, request);
  }

  /** Asks a node once more, now. */
  again(node: string): void {
    const request = this.#open.get(node);
    if (request) this.#ask(node, request);
  }

  /** Whether a node has yet to begin to answer. */
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

  /** A part of the answer has come. */
  goOn(node: string): void {
    const request = this.#open.get(node);
    if (!request) return;
    request.attempts = 0;
    this.#wait(node, request);
  }

  /** The answer has come, or nobody waits for it any more. */
  end(node: string): void {
    this.#open.get(node)?.stop();
    this.#open.delete(node);
  }

  /** Ends all. */
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
    // Half of it is random: those that an outage has made ask at once do not ask again at once.
    request.stop = clock.after(longest * (1 + random()) / 2, () => {
      request.attempts++;
      if (onSilence(node, request.attempts)) this.#ask(node, request);
      else this.#open.delete(node);
    }, { background: true });
  }
}
