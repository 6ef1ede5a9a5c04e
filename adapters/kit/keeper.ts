/**
 * Keeps one connection up: it connects, and connects again after each loss, with growing pauses. Each connection is
 * used once. No queue and no subscription of an old connection comes back by itself.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { pauseMs, STABLE_MS } from "./backoff.ts";
import { inTime } from "./deadline.ts";
import type { FailureKind } from "./failure.ts";

/** Limits the time of a step, and ends the step when the connection is lost. */
export type Within = <T>(step: Promise<T>, what: string) => Promise<T>;

/** Options of {@linkcode Keeper}. */
export interface KeeperOptions<L> {
  readonly clock: Clock;
  /** How long connecting may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long each step of `prepare` may take, in milliseconds. */
  readonly answerTimeoutMs: number;
  /**
   * Connects. When it rejects, nothing is left behind.
   *
   * @param onLost Call it when the connection is gone.
   * @param signal Aborted when the connection is not needed any more.
   */
  connect(onLost: (cause: unknown) => void, signal: AbortSignal): Promise<L>;
  /** Ends a connection at once, in any state. Resolves when it is closed; never rejects. */
  destroy(link: L): Promise<void>;
  /** Prepares a new connection for use. If it rejects, the keeper makes another connection. */
  prepare(link: L, within: Within): Promise<void>;
  /** The connection is ready for use. */
  onUp(link: L): void;
  /** The connection is gone. Called only after `onUp`. */
  onDown(cause: unknown): void;
  /** The connection could not be made. */
  onFailure(cause: unknown): FailureKind;
}

/** Makes one connection after another. */
export class Keeper<L> {
  readonly #options: KeeperOptions<L>;
  #link: L | undefined;
  #up: L | undefined;
  #lose = (_cause: unknown) => {};
  #closed = false;
  #wake = () => {};
  /** Whether to skip the next pause. */
  #hurried = false;
  #running: Promise<void> | undefined;

  /** @param options The options. */
  constructor(options: KeeperOptions<L>) {
    this.#options = options;
  }

  /** The connection, while it is ready for use. */
  get link(): L | undefined {
    return this.#up;
  }

  /** Begins to connect. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Gives up a connection that turned out to be dead without an event of loss. */
  drop(link: L, cause: Error): void {
    if (this.#link === link) this.#lose(cause);
  }

  /** The other connection has reached the engine: tries at once, and skips the pause after the present attempt. */
  hurry(): void {
    this.#hurried = true;
    this.#wake();
  }

  /** Closes permanently. Resolves when the connection is closed. */
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
        // The engine was away, and is starting now: tries soon. It does so only once, because otherwise an engine that
        // comes and goes would be asked without pause.
        if (kind === "answered" && !answered) {
          failures = 0;
          answered = true;
        }
      }
      if (this.#closed || kind === "final") return;
      await this.#pause(pauseMs(failures, kind === "refused"));
    }
  }

  /** One connection from start to end. Rejects if it was never ready; otherwise returns how long it was ready. */
  async #live(): Promise<number> {
    const { clock, destroy, prepare, connectTimeoutMs, answerTimeoutMs, onUp, onDown } = this.#options;
    const lost = Promise.withResolvers<unknown>();
    const gone = lost.promise.then((cause): never => {
      throw cause;
    });
    gone.catch(() => {}); // the connection may be lost while no step waits for it
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
      // The error of `connect` itself is closer to the cause.
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
