/**
 * Keeps one connection: makes it, and makes a new one whenever it is lost, with growing pauses. A connection lives once:
 * nothing of an old one, no queue and no subscription, comes back by itself.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { pauseMs, STABLE_MS } from "./backoff.ts";
import { inTime } from "./deadline.ts";
import type { FailureKind } from "./failure.ts";

/** Limits how long a step may take, and ends it when the connection is lost. */
export type Within = <T>(step: Promise<T>, what: string) => Promise<T>;

/** What {@linkcode Keeper} needs. */
export interface KeeperOptions<L> {
  readonly clock: Clock;
  /** How long a connection may take to be made, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long each step may take then until it is of use, in milliseconds. */
  readonly answerTimeoutMs: number;
  /**
   * Makes a connection. When it rejects nothing is left behind.
   *
   * @param onLost To be called when the connection is gone.
   * @param signal Aborted when the connection is not wanted any more.
   */
  connect(onLost: (cause: unknown) => void, signal: AbortSignal): Promise<L>;
  /** Ends a connection at once, in whatever state it is. Resolves when it is closed; never rejects. */
  destroy(link: L): Promise<void>;
  /** Makes a new connection of use. Rejects to have another one made. */
  prepare(link: L, within: Within): Promise<void>;
  /** It is of use. */
  onUp(link: L): void;
  /** It is gone. Called only after `onUp`. */
  onDown(cause: unknown): void;
  /** It could not be made. */
  onFailure(cause: unknown): FailureKind;
}

/** One connection, as one of many in a row. */
export class Keeper<L> {
  readonly #options: KeeperOptions<L>;
  #link: L | undefined;
  #up: L | undefined;
  #lose = (_cause: unknown) => {};
  #closed = false;
  #wake = () => {};
  /** Whether the next pause is none. */
  #hurried = false;
  #running: Promise<void> | undefined;

  /** @param options What it needs. */
  constructor(options: KeeperOptions<L>) {
    this.#options = options;
  }

  /** The connection, while it is of use. */
  get link(): L | undefined {
    return this.#up;
  }

  /** Begins. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Gives up a connection that is found dead, though nobody said so. */
  drop(link: L, cause: Error): void {
    if (this.#link === link) this.#lose(cause);
  }

  /** The other side shows that it is there: tries at once, and without a pause after the attempt that is under way. */
  hurry(): void {
    this.#hurried = true;
    this.#wake();
  }

  /** Ends for good; resolves when the connection is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#lose(new Error("The adapter is closed"));
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    let answered = false;
    for (let failures = 0; !this.#closed; failures++) {
      let kind: FailureKind = "unreachable";
      try {
        if (await this.#live() >= STABLE_MS) {
          failures = 0;
          answered = false;
        }
      } catch (cause) {
        if (this.#closed) return;
        kind = this.#options.onFailure(cause);
        // It was away, and is on its way up. Only once: what answers and is away in turn would be asked without pause.
        if (kind === "answered" && !answered) {
          failures = 0;
          answered = true;
        }
      }
      if (this.#closed || kind === "final") return;
      await this.#pause(pauseMs(failures, kind === "refused"));
    }
  }

  /** One connection from its birth to its end; rejects when it never was of use, else tells how long it was. */
  async #live(): Promise<number> {
    const { clock, destroy, prepare, connectTimeoutMs, answerTimeoutMs, onUp, onDown } = this.#options;
    const lost = Promise.withResolvers<unknown>();
    const gone = lost.promise.then((cause): never => {
      throw cause;
    });
    gone.catch(() => {}); // it may go when nobody waits for anything
    this.#lose = lost.resolve;
    const limited = (ms: number): Within => (step, what) =>
      inTime(clock, ms, Promise.race([step, gone]), what);
    const link = await this.#connect(lost.resolve, limited(connectTimeoutMs));
    this.#link = link;
    try {
      await Promise.race([prepare(link, limited(answerTimeoutMs)), gone]);
      if (this.#closed) return 0;
      const since = clock.now();
      this.#up = link;
      this.#hurried = false;
      onUp(link);
      const cause = await lost.promise;
      this.#up = undefined;
      onDown(cause);
      return clock.now() - since;
    } finally {
      this.#link = undefined;
      await destroy(link);
    }
  }

  async #connect(onLost: (cause: unknown) => void, within: Within): Promise<L> {
    const { connect, destroy } = this.#options;
    const given = new AbortController();
    const connecting = connect(onLost, given.signal);
    try {
      return await within(connecting, "No connection");
    } catch (error) {
      given.abort(error);
      // What it says itself is closer to the cause.
      const own: unknown = await connecting.then(destroy, (own) => own);
      throw own ?? error;
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#hurried) {
      this.#hurried = false;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(ms, resolve);
    this.#wake = resolve;
    await promise;
    cancel();
    this.#hurried = false;
  }
}
