/**
 * The nodes at a proxy, this one included: which are there, and which know the latest subscriptions.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";

/** The largest number of nodes to wait for. */
const MAX_NODES = 10_000;

/** A request to all nodes, to confirm that they see the subscriptions. */
export interface Sync {
  /** Resolves when this node has received its own answer: both directions work. */
  readonly self: Promise<void>;
  /** Resolves when all nodes that were there have answered, or are gone. */
  readonly all: Promise<void>;
  /** How many batches each node had sent before its answer. */
  readonly sent: Map<string, number>;
}

interface OpenSync extends Sync {
  readonly token: string;
  readonly behind: Set<string>;
  readonly selfDone: () => void;
  readonly allDone: () => void;
}

/** Options of {@linkcode Others}. */
export interface OthersOptions {
  /** The session of this node at the proxy. */
  readonly session: string;
  readonly clock: Clock;
  /** Sends the request to all nodes. */
  ask(token: string): void;
  /** A node that counted as gone answers again. */
  onBack(): void;
  /** A node is gone. */
  onGone(session: string): void;
}

/** All nodes at the proxy. */
export class Others {
  readonly #options: OthersOptions;
  /** When each node was last heard from. */
  readonly #lastSigns = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #open = new Map<string, OpenSync>();
  #checkedAt: number;
  #lastSign = -Infinity;

  /** @param options The options. */
  constructor(options: OthersOptions) {
    this.#options = options;
    this.#checkedAt = options.clock.now();
  }

  /** The sessions of the nodes that are there. */
  get sessions(): readonly string[] {
    return [...this.#lastSigns.keys()];
  }

  /** When any node was last heard from. */
  get lastSign(): number {
    return this.#lastSign;
  }

  /** Whether a caller waits for an answer. */
  get isAwaited(): boolean {
    return this.#open.size > 0;
  }

  /** Sends a request to all nodes. */
  sync(): Sync {
    const self = Promise.withResolvers<void>();
    const all = Promise.withResolvers<void>();
    const sync: OpenSync = {
      token: crypto.randomUUID(),
      behind: new Set([this.#options.session, ...this.#lastSigns.keys()]),
      self: self.promise,
      all: all.promise,
      sent: new Map(),
      selfDone: self.resolve,
      allDone: all.resolve,
    };
    this.#open.set(sync.token, sync);
    this.#options.ask(sync.token);
    return sync;
  }

  /** Repeats all requests that are not completely answered. */
  repeat(): void {
    for (const token of this.#open.keys()) this.#options.ask(token);
  }

  /** A node has answered. */
  synced([session, token, sent, sessions]: readonly unknown[]): void {
    if (typeof session !== "string" || typeof token !== "string" || !Array.isArray(sessions)) return;
    this.#lastSign = this.#options.clock.now();
    const sync = this.#open.get(token);
    this.#sign(session);
    // This answer may name nodes that this node does not know. They will answer too, or turn out to be gone.
    for (const other of sessions) {
      if (typeof other !== "string" || this.#lastSigns.has(other) || this.#silent.has(other)) continue;
      this.#sign(other);
      sync?.behind.add(other);
    }
    if (!sync) return;
    if (typeof sent === "number") sync.sent.set(session, sent);
    if (session === this.#options.session) sync.selfDone();
    this.#answered(sync, session);
  }

  /** A node has said goodbye. */
  left(session: string): void {
    this.#remove(session);
    this.#silent.delete(session);
  }

  /** Gives up nodes that have been silent for too long. Called at intervals. */
  check(intervalMs: number, timeoutMs: number): void {
    const now = this.#options.clock.now();
    // This process was busy, so answers may have arrived without being read yet.
    const late = now - this.#checkedAt > 1.5 * intervalMs;
    this.#checkedAt = now;
    if (late) return;
    for (const [session, lastSign] of this.#lastSigns) {
      if (session === this.#options.session || now - lastSign <= intervalMs + timeoutMs) continue;
      this.#silence(session);
    }
  }

  /** Gives up the nodes that have sent nothing since a request: no answer, and no other message. */
  giveUp(sync: Sync, askedAt: number): void {
    const { behind } = sync as OpenSync;
    for (const session of [...behind]) {
      if ((this.#lastSigns.get(session) ?? -Infinity) <= askedAt) this.#silence(session);
    }
  }

  /** Ends all waits. */
  close(): void {
    for (const { selfDone, allDone } of this.#open.values()) {
      selfDone();
      allDone();
    }
    this.#open.clear();
  }

  #sign(session: string): void {
    if (!this.#lastSigns.has(session) && this.#lastSigns.size >= MAX_NODES) return;
    this.#lastSigns.set(session, this.#options.clock.now());
    if (this.#silent.delete(session)) this.#options.onBack();
  }

  #silence(session: string): void {
    if (session === this.#options.session) return; // the probe checks this node itself
    this.#remove(session);
    this.#silent.add(session);
    if (this.#silent.size > MAX_NODES) this.#silent.delete(this.#silent.values().next().value!);
  }

  #remove(session: string): void {
    this.#lastSigns.delete(session);
    for (const sync of this.#open.values()) this.#answered(sync, session);
    this.#options.onGone(session);
  }

  #answered(sync: OpenSync, session: string): void {
    sync.behind.delete(session);
    if (sync.behind.size > 0) return;
    this.#open.delete(sync.token);
    sync.allDone();
  }
}
