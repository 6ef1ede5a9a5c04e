/**
 * The nodes at a proxy, this one included: who is there, and who knows of the latest subscriptions.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";

/** More nodes than this are not waited for. */
const MAX_NODES = 10_000;

/** A question to all: do you know? */
export interface Sync {
  /** This node has heard itself: the way there and back works. */
  readonly self: Promise<void>;
  /** All nodes have answered that were there, or are gone. */
  readonly all: Promise<void>;
  /** What each had sent until then. */
  readonly sent: Map<string, number>;
}

interface OpenSync extends Sync {
  readonly token: string;
  readonly behind: Set<string>;
  readonly selfDone: () => void;
  readonly allDone: () => void;
}

/** What {@linkcode Others} needs. */
export interface OthersOptions {
  /** What this node is called here. */
  readonly session: string;
  readonly clock: Clock;
  /** Asks all. */
  ask(token: string): void;
  /** A node answers that was silent for so long that it counted as gone. */
  onBack(): void;
  /** A node is gone. */
  onGone(session: string): void;
}

/** All nodes. */
export class Others {
  readonly #options: OthersOptions;
  /** When each was heard of last. */
  readonly #lastSigns = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #open = new Map<string, OpenSync>();
  #checkedAt: number;
  #lastSign = -Infinity;

  /** @param options What it needs. */
  constructor(options: OthersOptions) {
    this.#options = options;
    this.#checkedAt = options.clock.now();
  }

  /** Those that are there. */
  get sessions(): readonly string[] {
    return [...this.#lastSigns.keys()];
  }

  /** When anybody was heard of last. */
  get lastSign(): number {
    return this.#lastSign;
  }

  /** Whether somebody waits for an answer. */
  get isAwaited(): boolean {
    return this.#open.size > 0;
  }

  /** Asks all. */
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

  /** Asks once more what has no answer yet. */
  repeat(): void {
    for (const token of this.#open.keys()) this.#options.ask(token);
  }

  /** A node has answered. */
  synced([session, token, sent, sessions]: readonly unknown[]): void {
    if (typeof session !== "string" || typeof token !== "string" || !Array.isArray(sessions)) return;
    this.#lastSign = this.#options.clock.now();
    const sync = this.#open.get(token);
    this.#sign(session);
    // Those that a node knows of and this one does not: they will answer too, or turn out to be gone.
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

  /** Gives up those that have been silent for too long. Called at intervals. */
  check(intervalMs: number, timeoutMs: number): void {
    const now = this.#options.clock.now();
    // This process was busy, and what they said may not be read yet.
    const late = now - this.#checkedAt > 1.5 * intervalMs;
    this.#checkedAt = now;
    if (late) return;
    for (const [session, lastSign] of this.#lastSigns) {
      if (session === this.#options.session || now - lastSign <= intervalMs + timeoutMs) continue;
      this.#silence(session);
    }
  }

  /** Gives up those that have not answered a question, and nothing else since it was asked. */
  giveUp(sync: Sync, askedAt: number): void {
    const { behind } = sync as OpenSync;
    for (const session of [...behind]) {
      if ((this.#lastSigns.get(session) ?? -Infinity) <= askedAt) this.#silence(session);
    }
  }

  /** Nobody waits any more. */
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
    if (session === this.#options.session) return; // that is another one's business
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
