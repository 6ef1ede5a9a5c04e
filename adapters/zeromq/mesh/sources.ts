/**
 * The connections from other nodes of a mesh to this one. Each knows which names this node wants.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { Hello } from "./control.ts";

/** The largest number of lost nodes to remember. */
const MAX_LOST = 10_000;

/** One incoming connection. */
class Incoming {
  readonly hello: Hello;
  /** The version of the wanted names that the node has confirmed. 0 before the first. */
  has = 0;
  lastSign: number;
  bytes = 0;
  count = 0;

  constructor(hello: Hello, now: number) {
    this.hello = hello;
    this.lastSign = now;
  }
}

/** A call that waits until all nodes have confirmed a version. */
interface Waiting {
  readonly version: number;
  /** The connections that have not confirmed it. */
  readonly behind: Set<Incoming>;
  readonly done: PromiseWithResolvers<void>;
}

/** Options of {@linkcode Sources}. */
export interface SourcesOptions {
  /** Sends a text to a connection. */
  send(connection: string, text: string): void;
  readonly clock: Clock;
  /**
   * From now on, a node sends all names that this node wants.
   *
   * @param hello The node's `hello`.
   * @param again Whether an earlier connection of the node ended without a goodbye.
   */
  onLive(hello: Hello, again: boolean): void;
  /** A sending node is gone without a goodbye. */
  onLost(hello: Hello, reason: string): void;
}

/** All connections to this node. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #ways = new Map<string, Incoming>();
  readonly #wants = new Set<string>();
  readonly #waiting = new Set<Waiting>();
  /** Nodes whose connection ended without a goodbye. This node misses the messages that they have sent since. */
  readonly #lost = new Set<string>();
  #version = 1;
  #checkedAt: number;

  /** @param options The options. */
  constructor(options: SourcesOptions) {
    this.#options = options;
    this.#checkedAt = options.clock.now();
  }

  /** Whether a caller waits for other nodes. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether a node sends all names that this node wants. */
  isLive(id: string): boolean {
    return [...this.#ways.values()].some((way) => way.hello.id === id && way.has > 0);
  }

  /** A node has sent its `hello` on a connection. */
  greeted(connection: string, hello: Hello): void {
    const { former, id } = hello;
    if (former !== undefined && this.#ways.get(former)?.hello.id === id) this.remove(former);
    this.remove(connection); // in case of a second `hello`
    this.#ways.set(connection, new Incoming(hello, this.#options.clock.now()));
    this.#say(connection, "wants", this.#version, true, [...this.#wants], []);
  }

  /** Notes that a connection lives. Returns whether it is known. */
  sign(connection: string): boolean {
    const way = this.#ways.get(connection);
    if (way) way.lastSign = this.#options.clock.now();
    return way !== undefined;
  }

  /** Messages have arrived. */
  received(connection: string, bytes: number, count: number): void {
    const way = this.#ways.get(connection)!;
    way.bytes += bytes;
    way.count += count;
  }

  /** Answers a ping with the number of received bytes and messages. */
  pong(connection: string, n: number): void {
    const way = this.#ways.get(connection)!;
    this.#say(connection, "pong", n, way.bytes, way.count);
  }

  /** A node has confirmed a version. */
  has(connection: string, version: number): void {
    const way = this.#ways.get(connection)!;
    const first = way.has === 0;
    way.has = version;
    for (const waiting of this.#waiting) if (waiting.version <= version) this.#caughtUp(waiting, way);
    if (first && version > 0) this.#options.onLive(way.hello, this.#lost.delete(way.hello.id));
  }

  /**
   * Adds and removes wanted names.
   *
   * @returns Resolves when all nodes have confirmed.
   */
  async want(add: readonly string[], remove: readonly string[]): Promise<void> {
    for (const name of remove) this.#wants.delete(name);
    for (const name of add) this.#wants.add(name);
    const version = ++this.#version;
    const behind = new Set(this.#ways.values());
    if (behind.size === 0) return;
    const waiting: Waiting = { version, behind, done: Promise.withResolvers() };
    this.#waiting.add(waiting);
    for (const connection of this.#ways.keys()) this.#say(connection, "wants", version, false, add, remove);
    await waiting.done.promise;
  }

  /**
   * A connection is gone.
   *
   * @param connection The connection.
   * @param reason The reason, if the loss is to be reported.
   */
  remove(connection: string, reason?: string): void {
    const way = this.#ways.get(connection);
    if (!way) return;
    this.#ways.delete(connection);
    for (const waiting of this.#waiting) this.#caughtUp(waiting, way);
    if (this.isLive(way.hello.id)) return; // the node has another connection
    this.#lost.add(way.hello.id);
    if (this.#lost.size > MAX_LOST) this.#lost.delete(this.#lost.values().next().value!);
    if (reason !== undefined) this.#options.onLost(way.hello, reason);
  }

  /**
   * A node has said goodbye, so no message of it is missed.
   *
   * @returns The id of the node.
   */
  left(connection: string): string {
    const { id } = this.#ways.get(connection)!.hello;
    this.remove(connection);
    this.#lost.delete(id);
    return id;
  }

  /** A connection broke, and the library does not say which. Sends to all, because a send to a broken one fails. */
  poke(): void {
    for (const connection of this.#ways.keys()) this.#say(connection, "poke");
  }

  /** Gives up connections that have been silent for too long. Called at intervals. */
  check(intervalMs: number, timeoutMs: number): void {
    const now = this.#options.clock.now();
    // This process was busy, so messages may have arrived without being read yet.
    const late = now - this.#checkedAt > 1.5 * intervalMs;
    this.#checkedAt = now;
    if (late) return;
    for (const [connection, { lastSign }] of this.#ways) {
      if (now - lastSign > intervalMs + timeoutMs) {
        this.remove(connection, `it was silent for ${timeoutMs} ms`);
      }
    }
  }

  /** Ends all waits. */
  close(): void {
    for (const { done } of this.#waiting) done.resolve();
    this.#waiting.clear();
  }

  #caughtUp(waiting: Waiting, way: Incoming): void {
    waiting.behind.delete(way);
    if (waiting.behind.size > 0) return;
    this.#waiting.delete(waiting);
    waiting.done.resolve();
  }

  #say(connection: string, ...words: readonly unknown[]): void {
    this.#options.send(connection, JSON.stringify(words));
  }
}
