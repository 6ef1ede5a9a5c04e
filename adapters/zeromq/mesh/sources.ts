/**
 * The ways from other nodes of a mesh to this one: who sends, and what this node wants of them.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { Hello } from "./control.ts";

/** More nodes that are gone are not remembered. */
const MAX_LOST = 10_000;

/** One way. */
class Incoming {
  readonly hello: Hello;
  /** Up to which change of what this node wants it is up to date; 0 before the first. */
  has = 0;
  lastSign: number;
  bytes = 0;
  count = 0;

  constructor(hello: Hello, now: number) {
    this.hello = hello;
    this.lastSign = now;
  }
}

/** Those who wait until all nodes are up to date. */
interface Waiting {
  readonly version: number;
  /** The ways that are not. */
  readonly behind: Set<Incoming>;
  readonly done: PromiseWithResolvers<void>;
}

/** What {@linkcode Sources} needs. */
export interface SourcesOptions {
  /** Sends back to a connection. */
  send(connection: string, text: string): void;
  readonly clock: Clock;
  /**
   * A node sends all that this one wants, from now on.
   *
   * @param hello Its first words.
   * @param again It did before, and that ended without a goodbye.
   */
  onLive(hello: Hello, again: boolean): void;
  /** A node that sent is gone without a goodbye. */
  onLost(hello: Hello, reason: string): void;
}

/** All ways to this node. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #ways = new Map<string, Incoming>();
  readonly #wants = new Set<string>();
  readonly #waiting = new Set<Waiting>();
  /** Nodes whose way ended without a goodbye: what they sent meanwhile is missed. */
  readonly #lost = new Set<string>();
  #version = 1;
  #checkedAt: number;

  /** @param options What it needs. */
  constructor(options: SourcesOptions) {
    this.#options = options;
    this.#checkedAt = options.clock.now();
  }

  /** Whether somebody waits for other nodes. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether a node sends all that this one wants. */
  isLive(id: string): boolean {
    return [...this.#ways.values()].some((way) => way.hello.id === id && way.has > 0);
  }

  /** A node has greeted on a connection. */
  greeted(connection: string, hello: Hello): void {
    const { former, id } = hello;
    if (former !== undefined && this.#ways.get(former)?.hello.id === id) this.remove(former);
    this.remove(connection); // it has greeted before
    this.#ways.set(connection, new Incoming(hello, this.#options.clock.now()));
    this.#say(connection, "wants", this.#version, true, [...this.#wants], []);
  }

  /** Gives the way of a connection a sign of life. */
  sign(connection: string): boolean {
    const way = this.#ways.get(connection);
    if (way) way.lastSign = this.#options.clock.now();
    return way !== undefined;
  }

  /** Messages have come. */
  received(connection: string, bytes: number, count: number): void {
    const way = this.#ways.get(connection)!;
    way.bytes += bytes;
    way.count += count;
  }

  /** Answers a ping, and says what has come. */
  pong(connection: string, n: number): void {
    const way = this.#ways.get(connection)!;
    this.#say(connection, "pong", n, way.bytes, way.count);
  }

  /** A node is up to date. */
  has(connection: string, version: number): void {
    const way = this.#ways.get(connection)!;
    const first = way.has === 0;
    way.has = version;
    for (const waiting of this.#waiting) if (waiting.version <= version) this.#caughtUp(waiting, way);
    if (first && version > 0) this.#options.onLive(way.hello, this.#lost.delete(way.hello.id));
  }

  /**
   * Wants names, or wants them no more.
   *
   * @returns Resolves when all nodes are up to date.
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
   * @param reason Why, if that has to be told.
   */
  remove(connection: string, reason?: string): void {
    const way = this.#ways.get(connection);
    if (!way) return;
    this.#ways.delete(connection);
    for (const waiting of this.#waiting) this.#caughtUp(waiting, way);
    if (this.isLive(way.hello.id)) return; // it has another one
    this.#lost.add(way.hello.id);
    if (this.#lost.size > MAX_LOST) this.#lost.delete(this.#lost.values().next().value!);
    if (reason !== undefined) this.#options.onLost(way.hello, reason);
  }

  /**
   * A node has left: nothing of it will be missed.
   *
   * @returns The node.
   */
  left(connection: string): string {
    const { id } = this.#ways.get(connection)!.hello;
    this.remove(connection);
    this.#lost.delete(id);
    return id;
  }

  /** Some connection broke: asks all, as those that are gone take nothing. */
  poke(): void {
    for (const connection of this.#ways.keys()) this.#say(connection, "poke");
  }

  /** Gives up those that have been silent for too long. Called at intervals. */
  check(intervalMs: number, timeoutMs: number): void {
    const now = this.#options.clock.now();
    // This process was busy, and what they sent may not be read yet.
    const late = now - this.#checkedAt > 1.5 * intervalMs;
    this.#checkedAt = now;
    if (late) return;
    for (const [connection, { lastSign }] of this.#ways) {
      if (now - lastSign > intervalMs + timeoutMs) {
        this.remove(connection, `it was silent for ${timeoutMs} ms`);
      }
    }
  }

  /** Nobody waits any more. */
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
