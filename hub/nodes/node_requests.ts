/**
 * NodeRequests of one node to others: each has an id, a time limit, and an end when the node that is asked leaves.
 *
 * @module
 */

import { type Clock, HubError, toWireError } from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "../backplane/channels.ts";

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
  /**
   * How long to wait for nodes that are suspect, and for all of them while the backplane is away, in milliseconds.
   *
   * @default {timeoutMs}
   */
  readonly fastTimeoutMs?: number;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
  /** Whether an answer makes all others needless. */
  enough?(answer: unknown): boolean;
}

/** Answers a question, unless its asker gives up or leaves. What it throws goes back to the asker. */
export type Answerer = (input: unknown, from: string, signal: AbortSignal) => unknown;

interface Open {
  readonly outcome: Outcome;
  readonly waiting: Set<string>;
  readonly enough: (answer: unknown) => boolean;
  /** Whether nodes that are suspect are not waited for any more. */
  hurried: boolean;
  finish(): void;
}

/** What {@linkcode NodeRequests} needs. */
export interface NodeRequestsOptions {
  /** The other nodes. */
  readonly backplane: Backplane;
  /** Where timeouts come from. */
  readonly clock: Clock;
  /** Whether a node has not been heard of for a while. */
  isSuspect(nodeId: string): boolean;
  /** Told of what an answerer throws and is not meant for the asker. */
  onError(error: unknown, name: string): void;
}

/** The questions between this node and the others. */
export class NodeRequests {
  readonly #options: NodeRequestsOptions;
  readonly #open = new Map<number, Open>();
  readonly #answerers = new Map<string, Answerer>();
  /** What is being answered, by asker and the asker's number. */
  readonly #answering = new Map<string, Map<number, AbortController>>();
  #lastId = 0;

  /** @param options What it needs. */
  constructor(options: NodeRequestsOptions) {
    this.#options = options;
    const { backplane } = options;
    backplane.on("ask", ([, id, method, input], from) => void this.#answer(id, method, input, from));
    backplane.on("ans", ([, id, output], from) => {
      const question = this.#settle(id, from, ({ outcome }) => outcome.answers.set(from, output));
      if (!question?.enough(output)) return;
      question.waiting.clear();
      question.finish();
    });
    backplane.on("fail", ([, id, { code, message, data }], from) => {
      const error = new HubError(code, message, { data });
      this.#settle(id, from, ({ outcome }) => outcome.failures.set(from, error));
    });
    backplane.on("cancel", ([, id], from) => {
      this.#answering.get(from)?.get(id)?.abort(new HubError("DISCONNECTED", `Node ${from} gave up`));
    });
  }

  /** How many questions are open. */
  get size(): number {
    return this.#open.size;
  }

  /** How many questions of other nodes are being answered. */
  get answering(): number {
    let count = 0;
    for (const { size } of this.#answering.values()) count += size;
    return count;
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
   * @returns Rejects with the signal's reason.
   * @throws The reason of a signal that is aborted already; `TOO_LARGE` when the backplane cannot carry the question.
   * Both at once: nothing has been sent.
   */
  ask(nodes: readonly string[], method: string, input: unknown, options: AskOptions): Promise<Outcome> {
    options.signal?.throwIfAborted();
    const outcome: Outcome = { answers: new Map(), failures: new Map(), missing: [] };
    if (nodes.length === 0) return Promise.resolve(outcome);
    const id = ++this.#lastId;
    const channel = nodes.length === 1 ? nodeChannel(nodes[0]!) : CLUSTER_CHANNEL;
    const send = this.#options.backplane.prepare(channel, ["ask", id, method, input]);
    const cancel = () => this.#options.backplane.publish(channel, ["cancel", id]);
    return this.#gather(id, outcome, new Set(nodes), { send, cancel }, options);
  }

  /** A node is gone: nobody waits for it any longer, and nobody answers it. */
  left(nodeId: string): void {
    for (const question of this.#open.values()) this.#giveUpOn(nodeId, question);
    const gone = new HubError("DISCONNECTED", `Node ${nodeId} is gone`);
    for (const asked of [...this.#answering.get(nodeId)?.values() ?? []]) asked.abort(gone);
  }

  /** A node has become suspect: it is not waited for where the time for such nodes is over. */
  suspected(nodeId: string): void {
    for (const question of this.#open.values()) {
      if (question.hurried) this.#giveUpOn(nodeId, question);
    }
  }

  /** Ends all questions with what has come so far, and all answering. */
  close(): void {
    for (const { finish } of this.#open.values()) finish();
    const closed = new HubError("UNAVAILABLE", "The hub is closed");
    for (const asked of [...this.#answering.values()].flatMap((asked) => [...asked.values()])) {
      asked.abort(closed);
    }
  }

  async #gather(
    id: number,
    outcome: Outcome,
    waiting: Set<string>,
    { send, cancel }: { send(): void; cancel(): void },
    { timeoutMs, fastTimeoutMs = timeoutMs, signal, enough = () => false }: AskOptions,
  ): Promise<Outcome> {
    const { backplane, clock } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const question: Open = { outcome, waiting, enough, hurried: false, finish: resolve };
    const onAbort = () => reject(signal!.reason);
    const stop = clock.after(timeoutMs, resolve);
    const stopFast = fastTimeoutMs < timeoutMs
      ? clock.after(fastTimeoutMs, () => this.#hurry(question))
      : () => {};
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#open.set(id, question);
    try {
      send();
      await promise;
    } finally {
      this.#open.delete(id);
      stop();
      stopFast();
      signal?.removeEventListener("abort", onAbort);
      if (waiting.size + outcome.missing.length > 0 && backplane.status === "up") cancel();
    }
    outcome.missing.push(...waiting);
    return outcome;
  }

  /** From now on only nodes that are well are waited for. */
  #hurry(question: Open): void {
    const { backplane, isSuspect } = this.#options;
    if (backplane.status === "down") return question.finish();
    question.hurried = true;
    for (const node of [...question.waiting]) {
      if (isSuspect(node)) this.#giveUpOn(node, question);
    }
  }

  #giveUpOn(nodeId: string, { outcome, waiting, finish }: Open): void {
    if (!waiting.delete(nodeId)) return;
    outcome.missing.push(nodeId);
    if (waiting.size === 0) finish();
  }

  #settle(id: number, from: string, record: (question: Open) => void): Open | undefined {
    const question = this.#open.get(id);
    if (!question?.waiting.delete(from)) return undefined; // too late, or not asked
    record(question);
    if (question.waiting.size === 0) question.finish();
    return question;
  }

  async #answer(id: number, method: string, input: unknown, from: string): Promise<void> {
    const { backplane, onError } = this.#options;
    const inbox = nodeChannel(from);
    const { signal, done } = this.#begin(id, from);
    try {
      const answerer = this.#answerers.get(method);
      if (!answerer) throw new HubError("NOT_FOUND", `Node has no answer to "${method}"`);
      const { promise: givenUp, reject } = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      const answer = await Promise.race([answerer(input, from, signal), givenUp]);
      backplane.publish(inbox, ["ans", id, answer]);
    } catch (error) {
      if (signal.aborted) return; // nobody waits for it
      if (!(error instanceof HubError)) onError(error, method);
      const { code, message } = toWireError(error); // without data, which may be what could not be sent
      backplane.publish(inbox, ["fail", id, { code, message }]);
    } finally {
      done();
    }
  }

  /** Notes that a question is being answered, so that whoever asked can take it back. */
  #begin(id: number, from: string): { readonly signal: AbortSignal; done(): void } {
    const aborter = new AbortController();
    const asked = this.#answering.get(from) ?? new Map<number, AbortController>();
    this.#answering.set(from, asked.set(id, aborter));
    return {
      signal: aborter.signal,
      done: () => {
        asked.delete(id);
        if (asked.size === 0 && this.#answering.get(from) === asked) this.#answering.delete(from);
      },
    };
  }
}
