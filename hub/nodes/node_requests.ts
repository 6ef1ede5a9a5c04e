/**
 * What this node asks others: each question has a number, a time limit, and an end when the node that is asked leaves.
 *
 * @module
 */

import { type Clock, HubError, isHubError, readJson } from "../../contract/mod.ts";
import type { MissingNode, MissingReason } from "../api/cluster.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "../backplane/channels.ts";
import { AnswerParts } from "./answer_parts.ts";
import { type Answerer, type AnswererOptions, nameOf, NodeAnswers } from "./node_answers.ts";

/** What came of a question to several nodes. */
export interface Outcome {
  /** The answers, by node. */
  readonly answers: Map<string, unknown>;
  /** What nodes failed with, by node. */
  readonly failures: Map<string, HubError>;
  /** The nodes without an answer, and why; those that failed are among them. */
  readonly missing: MissingNode[];
}

/** How to ask. */
export interface AskOptions {
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * How long to wait for nodes that are suspect, and for all of them while the backplane is away, in milliseconds. Nodes
   * that left an earlier question without an answer, and of which nothing has come since, are then not waited for at
   * all.
   *
   * @default {timeoutMs}
   */
  readonly fastTimeoutMs?: number;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
  /** Whether an answer makes all others needless. */
  enough?(answer: unknown): boolean;
}

/** A question under way. */
interface Open {
  readonly method: string;
  readonly outcome: Outcome;
  /** Whom it waits for, and how many messages of them had come when they were asked. */
  readonly waiting: Map<string, number>;
  /** Nodes that are asked and may answer, but are not waited for. */
  readonly silent: Set<string>;
  /** Answers of which a part has come. */
  readonly parts: Map<string, AnswerParts>;
  readonly enough: (answer: unknown) => boolean;
  /** Whether nodes that are suspect are not waited for any more. */
  hurried: boolean;
  /** Whether some node may work on an answer that nobody waits for. */
  cancels: boolean;
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
  /** How many messages of a node have come so far. */
  messagesOf(nodeId: string): number;
  /** Hears what an answerer throws, and of answers that cannot be read. */
  onError(error: unknown, name: string): void;
}

/** How much of answers in parts may be held at once, in UTF-16 units. */
const MAX_HELD_LENGTH = 128 * 1024 * 1024;

/** The questions between this node and the others. */
export class NodeRequests {
  readonly #options: NodeRequestsOptions;
  readonly #answers: NodeAnswers;
  readonly #open = new Map<number, Open>();
  /** Nodes that left a question without an answer, and how many messages of them had come by then. */
  readonly #silent = new Map<string, number>();
  #lastId = 0;
  #closed = false;

  /** @param options What it needs. */
  constructor(options: NodeRequestsOptions) {
    this.#options = options;
    this.#answers = new NodeAnswers(options);
    const { backplane } = options;
    backplane.on("ans", ([, id, output], from) => this.#answered(id, from, output));
    backplane.on("part", ([, id, index, total, text], from) => this.#take(id, from, index, total, text));
    backplane.on("fail", ([, id, { code, message }], from) => {
      const question = this.#open.get(id);
      if (!question || !awaits(question, from)) return;
      question.outcome.failures.set(from, new HubError(code, message));
      this.#miss(question, from, code === "TOO_LARGE" ? "too-large" : "failed", { code, message });
    });
  }

  /** How many questions are open. */
  get size(): number {
    return this.#open.size;
  }

  /** How many questions of other nodes are being answered. */
  get answering(): number {
    return this.#answers.size;
  }

  /**
   * Says who answers a kind of question.
   *
   * @returns Stops it.
   */
  on(method: string, answerer: Answerer, options?: AnswererOptions): () => void {
    return this.#answers.on(method, answerer, options);
  }

  /**
   * Asks nodes. Nobody to ask is an answer at once, and so is a hub that is closed.
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
    if (this.#closed) outcome.missing.push(...nodes.map((node) => ({ node, reason: "closed" as const })));
    if (this.#closed || nodes.length === 0) return Promise.resolve(outcome);
    const id = ++this.#lastId;
    const channel = nodes.length === 1 ? nodeChannel(nodes[0]!) : CLUSTER_CHANNEL;
    const send = this.#options.backplane.prepare(channel, ["ask", id, method, input]);
    const cancel = () => this.#options.backplane.publish(channel, ["cancel", id]);
    const question: Open = {
      method,
      outcome,
      waiting: new Map(),
      silent: new Set(),
      parts: new Map(),
      enough: options.enough ?? (() => false),
      hurried: false,
      cancels: false,
      finish() {},
    };
    for (const node of nodes) {
      if (options.fastTimeoutMs !== undefined && this.#isSilent(node)) question.silent.add(node);
      else question.waiting.set(node, this.#options.messagesOf(node));
    }
    return this.#gather(id, question, { send, cancel }, options);
  }

  /** A node is gone: nobody waits for it any longer, and nobody answers it. */
  left(nodeId: string): void {
    this.#silent.delete(nodeId);
    for (const question of this.#open.values()) {
      if (awaits(question, nodeId)) this.#miss(question, nodeId, "left");
    }
    this.#answers.left(nodeId);
  }

  /** A node has become suspect: it is not waited for where the time for such nodes is over. */
  suspected(nodeId: string): void {
    for (const question of this.#open.values()) {
      if (question.hurried) this.#giveUpOn(question, nodeId);
    }
  }

  /** Ends all questions with what has come so far, and all answering. */
  close(): void {
    this.#closed = true;
    for (const { finish } of this.#open.values()) finish();
    this.#answers.close();
  }

  async #gather(
    id: number,
    question: Open,
    { send, cancel }: { send(): void; cancel(): void },
    { timeoutMs, fastTimeoutMs = timeoutMs, signal }: AskOptions,
  ): Promise<Outcome> {
    const { backplane, clock } = this.#options;
    const { outcome, waiting, silent } = question;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    question.finish = resolve;
    const onAbort = () => {
      question.cancels = true;
      reject(signal!.reason);
    };
    const due = clock.now() + timeoutMs;
    const stop = clock.after(timeoutMs, () => {
      this.#open.delete(id);
      // Where this node itself stood still, their answers are still to be read.
      const punctual = clock.now() - due < fastTimeoutMs;
      if (punctual && timeoutMs >= fastTimeoutMs && backplane.status === "up") {
        for (const [node, messages] of waiting) this.#noteSilence(node, messages);
      }
      resolve();
    });
    const stopFast = fastTimeoutMs < timeoutMs
      ? clock.after(fastTimeoutMs, () => this.#hurry(question))
      : () => {};
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#open.set(id, question);
    try {
      send();
      if (waiting.size === 0) resolve();
      await promise;
    } finally {
      this.#open.delete(id);
      stop();
      stopFast();
      signal?.removeEventListener("abort", onAbort);
      // Who is silent is let finish: its answer is what shows that it is well again.
      if ((question.cancels || waiting.size > 0) && backplane.status === "up") cancel();
    }
    for (const node of waiting.keys()) outcome.missing.push({ node, ...this.#lateness(question, node) });
    for (const node of silent) outcome.missing.push({ node, reason: this.#closed ? "closed" : "suspect" });
    return outcome;
  }

  /** Why a node has not answered when the time is up. */
  #lateness({ parts }: Open, node: string): Pick<MissingNode, "reason" | "message"> {
    if (this.#closed) return { reason: "closed" };
    if (this.#options.backplane.status === "down") return { reason: "unreachable" };
    const part = parts.get(node);
    return part
      ? { reason: "timeout", message: `Of its answer ${part.length} of ${part.total} characters have come` }
      : { reason: "timeout" };
  }

  /** From now on only nodes that are well are waited for. */
  #hurry(question: Open): void {
    const { backplane, isSuspect } = this.#options;
    if (backplane.status === "down") return question.finish();
    question.hurried = true;
    for (const node of [...question.waiting.keys()]) {
      if (isSuspect(node) || this.#isSilent(node)) this.#giveUpOn(question, node);
    }
  }

  #giveUpOn(question: Open, node: string): void {
    const messages = question.waiting.get(node);
    if (messages === undefined) return;
    question.cancels = true;
    this.#miss(question, node, "suspect");
    this.#noteSilence(node, messages);
  }

  /** Remembers a node of which nothing came since it was asked, until something does. */
  #noteSilence(node: string, messages: number): void {
    if (this.#options.messagesOf(node) !== messages || this.#silent.get(node) === messages) return;
    this.#silent.set(node, messages);
    this.suspected(node);
  }

  #isSilent(node: string): boolean {
    const messages = this.#silent.get(node);
    if (messages === undefined) return false;
    if (this.#options.messagesOf(node) === messages) return true;
    this.#silent.delete(node);
    return false;
  }

  #answered(id: number, from: string, output: unknown): void {
    const question = this.#open.get(id);
    if (!question || !awaits(question, from)) return; // too late, or not asked
    question.outcome.answers.set(from, output);
    this.#settle(question, from);
    if (!question.enough(output)) return;
    question.cancels ||= question.waiting.size > 0;
    question.waiting.clear();
    question.silent.clear();
    question.finish();
  }

  /** Takes a part of an answer, and says so to its sender, who sends more of them then. */
  #take(id: number, from: string, index: number, total: number, text: string): void {
    const { backplane, onError } = this.#options;
    const question = this.#open.get(id);
    if (!question || !awaits(question, from)) { // and it did not hear so, or it would send no more
      return backplane.publish(nodeChannel(from), ["cancel", id]);
    }
    const { method, parts } = question;
    const refuse = (reason: MissingReason, { code, message }: HubError) => {
      this.#miss(question, from, reason, { code, message });
      backplane.publish(nodeChannel(from), ["cancel", id]);
    };
    try {
      const part = parts.get(from) ?? new AnswerParts(total);
      parts.set(from, part);
      if (this.#held + text.length > MAX_HELD_LENGTH) {
        throw new HubError(
          "TOO_LARGE",
          `Cannot hold more than ${MAX_HELD_LENGTH} characters of answers at once`,
        );
      }
      if (!part.add(index, total, text)) {
        return refuse(
          "incomplete",
          new HubError("UNAVAILABLE", `Part ${part.taken} of its answer did not come`),
        );
      }
      if (!part.complete) return backplane.publish(nodeChannel(from), ["more", id, part.taken]);
      let answer: unknown;
      try {
        answer = readJson(part.join());
      } catch (cause) {
        const error = new HubError("BAD_REQUEST", `Cannot read what node ${from} answered`, { cause });
        onError(error, nameOf(method));
        return this.#miss(question, from, "invalid", error);
      }
      this.#answered(id, from, answer);
    } catch (error) {
      if (!isHubError(error)) throw error;
      onError(error, nameOf(method));
      refuse("too-large", error);
    }
  }

  /** How much of answers in parts is held. */
  get #held(): number {
    let length = 0;
    for (const { parts } of this.#open.values()) for (const part of parts.values()) length += part.length;
    return length;
  }

  #miss(
    question: Open,
    node: string,
    reason: MissingReason,
    error?: Pick<HubError, "code" | "message">,
  ): void {
    const { code, message } = error ?? {};
    question.outcome.missing.push(
      error ? { node, reason, code: code!, message: message! } : { node, reason },
    );
    this.#settle(question, node);
  }

  #settle(question: Open, node: string): void {
    question.parts.delete(node);
    question.silent.delete(node);
    if (question.waiting.delete(node) && question.waiting.size === 0) question.finish();
  }
}

const awaits = ({ waiting, silent }: Open, node: string): boolean => waiting.has(node) || silent.has(node);
