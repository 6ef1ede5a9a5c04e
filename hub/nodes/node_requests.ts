/**
 * Requests from this node to other nodes. Each request has a number and a timeout. It also ends when the asked node
 * leaves.
 *
 * @module
 */

import { type Clock, HubError, isHubError, readJson } from "../../contract/mod.ts";
import type { MissingNode, MissingReason } from "../api/cluster.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "../backplane/channels.ts";
import { own } from "../connection/own_errors.ts";
import { AnswerParts } from "./answer_parts.ts";
import { type Answerer, type AnswererOptions, nameOf, NodeAnswers } from "./node_answers.ts";

/** The result of a request to several nodes. */
export interface Outcome {
  /** The answers, by node. */
  readonly answers: Map<string, unknown>;
  /** The errors, by node. */
  readonly failures: Map<string, HubError>;
  /** The nodes without an answer, and the reasons; also the nodes that answered with an error. */
  readonly missing: MissingNode[];
}

/** How to ask. */
export interface AskOptions {
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * How long to wait for suspect nodes, and for all nodes while the backplane is down, in milliseconds. With it, silent
   * nodes are asked, but their answers are not awaited. A node is silent when it has sent nothing since a request that
   * it left without an answer.
   *
   * @default {timeoutMs}
   */
  readonly fastTimeoutMs?: number;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
  /** Whether this answer is enough, so that the others are not needed. */
  enough?(answer: unknown): boolean;
}

/** A request that waits for answers. */
interface Open {
  readonly method: string;
  readonly outcome: Outcome;
  /** The nodes it waits for, each with the number of its messages at the time of the request. */
  readonly waiting: Map<string, number>;
  /** Nodes that were asked and may answer, but the request does not wait for them. */
  readonly silent: Set<string>;
  /** The answers that arrive in parts, by node. */
  readonly parts: Map<string, AnswerParts>;
  readonly enough: (answer: unknown) => boolean;
  /** Whether it has stopped waiting for suspect nodes. */
  hurried: boolean;
  /** Whether a node may still work on an answer that is no longer needed. */
  cancels: boolean;
  finish(): void;
}

/** The options of {@linkcode NodeRequests}. */
export interface NodeRequestsOptions {
  /** The backplane. */
  readonly backplane: Backplane;
  /** The clock for timeouts. */
  readonly clock: Clock;
  /** Whether a node is suspect. */
  isSuspect(nodeId: string): boolean;
  /** How many messages of a node have arrived so far. */
  messagesOf(nodeId: string): number;
  /** Called with the errors of answerers, and for answers that cannot be read. */
  onError(error: unknown, name: string): void;
}

/** How much memory all answers in parts may hold together, in UTF-16 units. */
const MAX_HELD_LENGTH = 128 * 1024 * 1024;

/** The requests between this node and the others. */
export class NodeRequests {
  readonly #options: NodeRequestsOptions;
  readonly #answers: NodeAnswers;
  readonly #open = new Map<number, Open>();
  /** The silent nodes, each with the number of its messages when it did not answer. */
  readonly #silent = new Map<string, number>();
  #lastId = 0;
  #closed = false;

  /** @param options Its options. */
  constructor(options: NodeRequestsOptions) {
    this.#options = options;
    this.#answers = new NodeAnswers(options);
    const { backplane } = options;
    backplane.on("ans", ([, id, output], from) => this.#answered(id, from, output));
    backplane.on("part", ([, id, index, total, text], from) => this.#take(id, from, index, total, text));
    backplane.on("fail", ([, id, { code, message }, isOwn], from) => {
      const question = this.#open.get(id);
      if (!question || !awaits(question, from)) return;
      const error = new HubError(code, message);
      question.outcome.failures.set(from, isOwn ? own(error) : error);
      this.#miss(question, from, code === "TOO_LARGE" ? "too-large" : "failed", { code, message });
    });
  }

  /** How many requests wait for answers. */
  get size(): number {
    return this.#open.size;
  }

  /** How many requests of other nodes this node is answering. */
  get answering(): number {
    return this.#answers.size;
  }

  /**
   * Sets the function that answers a kind of request.
   *
   * @returns A function that removes it.
   */
  on(method: string, answerer: Answerer, options?: AnswererOptions): () => void {
    return this.#answers.on(method, answerer, options);
  }

  /**
   * Sends a request to nodes. Resolves at once with an empty list of nodes, and after the hub is closed.
   *
   * @param nodes The nodes.
   * @param method The kind of request.
   * @param input The input.
   * @param options How long to wait.
   * @returns The result; rejects with the signal's reason.
   * @throws The reason of a signal that is already aborted; `TOO_LARGE` when the backplane cannot carry the request.
   * It throws in the call itself, before the request is sent.
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

  /** A node has left: stops waiting for it, and stops answering it. */
  left(nodeId: string): void {
    this.#silent.delete(nodeId);
    for (const question of this.#open.values()) {
      if (awaits(question, nodeId)) this.#miss(question, nodeId, "left");
    }
    this.#answers.left(nodeId);
  }

  /** A node has become suspect. A request stops waiting for it if the request's time for suspect nodes is over. */
  suspected(nodeId: string): void {
    for (const question of this.#open.values()) {
      if (question.hurried) this.#giveUpOn(question, nodeId);
    }
  }

  /** Ends all requests with the answers so far, and stops answering. */
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
      // If the timer is late, this process was blocked, and answers may wait to be read.
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
      // Silent nodes alone cause no cancel: a late answer shows that the node works again.
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
      ? {
        reason: "timeout",
        message: `Only ${part.length} of ${part.total} characters of its answer have arrived`,
      }
      : { reason: "timeout" };
  }

  /** Stops waiting for suspect and silent nodes. */
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

  /** Marks a node as silent if it has sent nothing since the request. Its next message removes the mark. */
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

  /** Takes a part of an answer, and confirms it, so that the sender sends more. */
  #take(id: number, from: string, index: number, total: number, text: string): void {
    const { backplane, onError } = this.#options;
    const question = this.#open.get(id);
    if (!question || !awaits(question, from)) { // the sender has missed an earlier cancel
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
          new HubError("UNAVAILABLE", `Part ${part.taken} of its answer did not arrive`),
        );
      }
      if (!part.complete) return backplane.publish(nodeChannel(from), ["more", id, part.taken]);
      let answer: unknown;
      try {
        answer = readJson(part.join());
      } catch (cause) {
        const error = new HubError("BAD_REQUEST", `Cannot read the answer of node ${from}`, { cause });
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

  /** The length of all parts that are held. */
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
