/**
 * Questions of one node to others: each has an id, a time limit, and an end when the node that is asked leaves.
 *
 * @module
 */

import { type Clock, HubError, toWireError } from "../contract/mod.ts";
import type { Backplane } from "./backplane.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "./channels.ts";

/** What came of a question to several nodes. */
export interface Outcome {
  /** The answers, by node. */
  readonly answers: Map<string, unknown>;
  /** What nodes failed with, by node. */
  readonly failures: Map<string, HubError>;
  /** The nodes that did not answer in time, or left. */
  readonly missing: string[];
}

/** How to ask. */
export interface AskOptions {
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
}

/** Answers a question. What it throws goes back to the asker. */
export type Answerer = (input: unknown, from: string) => unknown;

interface Open {
  readonly outcome: Outcome;
  readonly waiting: Set<string>;
  finish(): void;
}

/** What {@linkcode Questions} needs. */
export interface QuestionsOptions {
  /** The other nodes. */
  readonly backplane: Backplane;
  /** Where timeouts come from. */
  readonly clock: Clock;
  /** Told of what an answerer throws and is not meant for the asker. */
  onError(error: unknown, name: string): void;
}

/** The questions between this node and the others. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #open = new Map<number, Open>();
  readonly #answerers = new Map<string, Answerer>();
  #lastId = 0;

  /** @param options What it needs. */
  constructor(options: QuestionsOptions) {
    this.#options = options;
    const { backplane } = options;
    backplane.on("ask", ([, id, method, input], from) => void this.#answer(id, method, input, from));
    backplane.on("ans", ([, id, output], from) => {
      this.#settle(id, from, (outcome) => outcome.answers.set(from, output));
    });
    backplane.on("fail", ([, id, { code, message, data }], from) => {
      this.#settle(id, from, (outcome) => outcome.failures.set(from, new HubError(code, message, { data })));
    });
  }

  /** How many questions are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Says who answers a kind of question. */
  on(method: string, answerer: Answerer): void {
    this.#answerers.set(method, answerer);
  }

  /**
   * Asks nodes. Nobody to ask is an answer at once.
   *
   * @param nodes Whom.
   * @param method What kind of question.
   * @param input What is asked.
   * @param options How long.
   * @throws The signal's reason; `TOO_LARGE` when the backplane cannot carry the question.
   */
  async ask(nodes: readonly string[], method: string, input: unknown, options: AskOptions): Promise<Outcome> {
    const { timeoutMs, signal } = options;
    signal?.throwIfAborted();
    const outcome: Outcome = { answers: new Map(), failures: new Map(), missing: [] };
    if (nodes.length === 0) return outcome;
    const id = ++this.#lastId;
    const channel = nodes.length === 1 ? nodeChannel(nodes[0]!) : CLUSTER_CHANNEL;
    const send = this.#options.backplane.prepare(channel, ["ask", id, method, input]);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal!.reason);
    const stop = this.#options.clock.after(timeoutMs, resolve);
    signal?.addEventListener("abort", onAbort, { once: true });
    const waiting = new Set(nodes);
    this.#open.set(id, { outcome, waiting, finish: resolve });
    try {
      send();
      await promise;
    } finally {
      this.#open.delete(id);
      stop();
      signal?.removeEventListener("abort", onAbort);
    }
    outcome.missing.push(...waiting);
    return outcome;
  }

  /** A node is gone: nobody waits for it any longer. */
  left(nodeId: string): void {
    for (const { outcome, waiting, finish } of this.#open.values()) {
      if (!waiting.delete(nodeId)) continue;
      outcome.missing.push(nodeId);
      if (waiting.size === 0) finish();
    }
  }

  /** Ends all questions with what has come so far. */
  close(): void {
    for (const { finish } of this.#open.values()) finish();
  }

  #settle(id: number, from: string, record: (outcome: Outcome) => void): void {
    const question = this.#open.get(id);
    if (!question?.waiting.delete(from)) return; // too late, or not asked
    record(question.outcome);
    if (question.waiting.size === 0) question.finish();
  }

  async #answer(id: number, method: string, input: unknown, from: string): Promise<void> {
    const { backplane, onError } = this.#options;
    const inbox = nodeChannel(from);
    const answerer = this.#answerers.get(method);
    try {
      if (!answerer) throw new HubError("NOT_FOUND", `Node has no answer to "${method}"`);
      backplane.publish(inbox, ["ans", id, await answerer(input, from)]);
    } catch (error) {
      if (!(error instanceof HubError)) onError(error, method);
      const { code, message } = toWireError(error); // without data, which may be what could not be sent
      backplane.publish(inbox, ["fail", id, { code, message }]);
    }
  }
}
