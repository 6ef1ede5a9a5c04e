/**
 * The appends of a node, over one connection. One statement runs at a time, and the next carries all messages that came
 * meanwhile. Each statement is a transaction, so its messages are stored all together or not at all.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { HubError } from "../../../contract/errors.ts";
import type { Position } from "../../../contract/mod.ts";
import type { Row } from "../connection.ts";
import { type Append, readAppended } from "./statement.ts";

/** The limits of one statement: messages, topics (each takes a lock of the server), and text, in UTF-16 units. */
const MAX_MESSAGES = 1_000;
const MAX_TOPICS = 50;
const MAX_LENGTH = 1024 * 1024;

/** The first pause before a retry on a topic that a transaction holds, in milliseconds. It doubles up to one second. */
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;

/** How many statements in a row the server may undo, to end a deadlock, before that is an error. */
const MAX_UNDONE = 3;

/** Options of {@linkcode Appending}. */
export interface AppendingOptions {
  readonly clock: Clock;
  /** How long a message may wait for a topic that a transaction holds, in milliseconds. */
  readonly lockTimeoutMs: number;
  /**
   * Sends a statement. Rejects with `UNCERTAIN` when its result is unknown. Rejects with another error when the server
   * has undone it.
   */
  send(appends: readonly Append[]): Promise<readonly Row[]>;
  /**
   * Like `send`, for messages of one topic. Waits in the server's lock queue behind the transactions that hold the
   * topic, for a limited time.
   */
  sendPatiently(appends: readonly Append[]): Promise<readonly Row[]>;
  /** Whether the server has undone a statement for a reason that a retry solves. */
  isPassing(error: unknown): boolean;
}

/** A message that waits for its result. */
interface Waiting {
  readonly append: Append;
  readonly done: PromiseWithResolvers<Position>;
  /** When the node found that a transaction holds the topic, by the clock. */
  heldSince?: number;
}

/** A topic that a transaction holds. */
interface Held {
  readonly waiting: Waiting[];
  /** Whether some of its messages wait in the server's lock queue. */
  patient: boolean;
  pauseMs: number;
  cancel(): void;
}

/** Appends messages in the order of the calls. */
export class Appending {
  readonly #options: AppendingOptions;
  #queue: Waiting[] = [];
  readonly #held = new Map<string, Held>();
  #live = false;
  #busy = false;
  #undone = 0;
  #patient = false;

  /** @param options The options. */
  constructor(options: AppendingOptions) {
    this.#options = options;
  }

  /** A connection is there. */
  attach(): void {
    this.#live = true;
    void this.#run();
  }

  /** The connection is lost. Unsent messages wait for the next one. */
  detach(): void {
    this.#live = false;
  }

  /** Rejects the unsent messages: these are certainly not stored. */
  refuse(error: Error): void {
    for (const { cancel, waiting } of this.#held.values()) {
      cancel();
      for (const { done } of waiting) done.reject(error);
    }
    this.#held.clear();
    for (const { done } of this.#queue.splice(0)) done.reject(error);
  }

  /** Appends a message. */
  append(append: Append, signal: AbortSignal | undefined): Promise<Position> {
    if (signal?.aborted) return Promise.reject(notSent(signal.reason));
    const waiting: Waiting = { append, done: Promise.withResolvers() };
    const { done: { promise, reject } } = waiting;
    const lane = this.#held.get(append.name)?.waiting ?? this.#queue;
    lane.push(waiting);
    // All messages of this turn go together.
    if (!this.#busy) queueMicrotask(() => void this.#run());
    if (!signal) return promise;
    // A sent message may be stored, and must then be delivered. So an abort has no effect on it: only the answer or the
    // loss of the connection ends the wait.
    const abort = () => {
      if (this.#forget(waiting)) reject(notSent(signal.reason));
    };
    signal.addEventListener("abort", abort);
    return promise.finally(() => signal.removeEventListener("abort", abort));
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#live && this.#queue.length > 0) {
      const batch = this.#take();
      try {
        const rows = await this.#options.send(batch.map(({ append }) => append));
        this.#undone = 0;
        batch.forEach((waiting, i) => this.#settle(waiting, rows[i]));
      } catch (error) {
        this.#failed(batch, error);
      }
      this.#hold();
    }
    this.#busy = false;
  }

  /** The next messages, sorted by topic. Messages of one topic keep their order. */
  #take(): Waiting[] {
    const topics = new Set<string>();
    let length = 0;
    let count = 0;
    for (const { append } of this.#queue) {
      topics.add(append.name);
      length += append.length;
      if (count > 0 && (length > MAX_LENGTH || topics.size > MAX_TOPICS || count >= MAX_MESSAGES)) break;
      count++;
    }
    return this.#queue.splice(0, count).sort((a, b) =>
      a.append.name < b.append.name ? -1 : a.append.name > b.append.name ? 1 : 0
    );
  }

  #settle(waiting: Waiting, row: Row | undefined): void {
    if (typeof row?.position === "string") return waiting.done.resolve(readAppended(waiting.append, row));
    const { name } = waiting.append;
    waiting.heldSince ??= this.#options.clock.now();
    let held = this.#held.get(name);
    if (!held) {
      this.#held.set(name, held = { waiting: [], patient: false, pauseMs: FIRST_PAUSE_MS, cancel: () => {} });
    }
    held.waiting.push(waiting);
  }

  /** Messages of a held topic wait behind the earlier ones of that topic. */
  #hold(): void {
    const { clock, lockTimeoutMs } = this.#options;
    if (this.#held.size === 0) return;
    this.#queue = this.#queue.filter((waiting) => {
      const held = this.#held.get(waiting.append.name);
      held?.waiting.push(waiting);
      return !held;
    });
    for (const [name, held] of this.#held) {
      if (held.patient) continue;
      const now = clock.now();
      while (held.waiting[0]?.heldSince !== undefined && now - held.waiting[0].heldSince >= lockTimeoutMs) {
        held.waiting.shift()!.done.reject(holds(lockTimeoutMs));
      }
      held.cancel();
      // A node that only retries at intervals may never find the topic free. So one topic at a time waits in the
      // server's lock queue.
      if (!this.#patient && held.waiting.length > 0) {
        void this.#standInLine(name, held);
        continue;
      }
      held.cancel = clock.after(held.pauseMs, () => this.#again(name, held));
      held.pauseMs = Math.min(2 * held.pauseMs, MAX_PAUSE_MS);
    }
  }

  async #standInLine(name: string, held: Held): Promise<void> {
    this.#patient = held.patient = true;
    const batch = held.waiting.splice(0, MAX_MESSAGES);
    try {
      const rows = await this.#options.sendPatiently(batch.map(({ append }) => append));
      batch.forEach(({ append, done }, i) => done.resolve(readAppended(append, rows[i]!)));
    } catch (error) {
      for (const { done } of batch) done.reject(error);
    }
    this.#patient = false;
    if (this.#held.get(name) === held) this.#again(name, held);
  }

  #again(name: string, held: Held): void {
    this.#held.delete(name);
    this.#queue = held.waiting.concat(this.#queue); // they may be too many for the arguments of one call
    void this.#run();
  }

  #failed(batch: readonly Waiting[], error: unknown): void {
    if (this.#options.isPassing(error) && ++this.#undone < MAX_UNDONE) {
      this.#queue.unshift(...batch);
      return;
    }
    this.#undone = 0;
    for (const { done } of batch) done.reject(error);
  }

  /** Takes back an unsent message. */
  #forget(waiting: Waiting): boolean {
    const lanes = [this.#queue, ...Array.from(this.#held.values(), (held) => held.waiting)];
    for (const lane of lanes) {
      const at = lane.indexOf(waiting);
      if (at >= 0) return lane.splice(at, 1).length > 0;
    }
    return false;
  }
}

/** The error when transactions of users hold a topic for too long. */
export const holds = (ms: number): HubError =>
  new HubError(
    "UNAVAILABLE",
    `Cannot append to a history in PostgreSQL: other transactions held the topic for ${ms} ms. End them sooner, set ` +
      "idle_in_transaction_session_timeout, or raise lockTimeoutMs",
  );

const notSent = (cause: unknown) =>
  new HubError(
    "UNAVAILABLE",
    "Cannot append to a history in PostgreSQL: it was aborted before it was sent",
    {
      cause,
    },
  );
