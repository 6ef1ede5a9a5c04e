/**
 * The turn of one client to be authenticated, from its request to its end.
 *
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import type { Gate } from "../gate.ts";

/** Options of {@linkcode Turn}. */
export interface TurnOptions {
  /** The clock. */
  readonly clock: Clock;
  /** Limits how many clients are authenticated at the same time. */
  readonly gate: Gate;
  /** How long the client may wait for its turn, in milliseconds. */
  readonly patienceMs: number;
  /** How long the turn of a gone client counts at most, in milliseconds. */
  readonly holdMs: number;
  /** Makes the error when the turn does not come in time. */
  tooLate(): Error;
  /** Called with the duration of the turn, in milliseconds. */
  took(ms: number): void;
}

/** The turn of one client. */
export class Turn {
  /** Resolves when the turn comes, and rejects when it does not come in time; `undefined` when it came at once. */
  readonly come: Promise<void> | undefined;
  readonly #options: TurnOptions;
  #state: "waiting" | "used" | "over" = "waiting";
  #since = 0;
  #stopTimer = () => {};
  /** Ends the wait: with an error, or without. */
  #settle: (error?: Error) => void = () => {};

  /** @param options Its options. */
  constructor(options: TurnOptions) {
    const { clock, gate, patienceMs, tooLate } = options;
    this.#options = options;
    if (gate.enter(this.#begin)) {
      this.#begin();
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.come = promise;
    this.#settle = (error) => error ? reject(error) : resolve();
    this.#stopTimer = clock.after(patienceMs, () => this.#giveUp(tooLate()), { background: true });
  }

  /** Ends the turn: the client is authenticated or refused. Idempotent. */
  done(): void {
    if (this.#state !== "used") return;
    const { clock, gate, took } = this.#options;
    this.#state = "over";
    this.#stopTimer();
    took(clock.now() - this.#since);
    gate.leave();
  }

  /**
   * The client is gone. A turn that has begun counts until it is done, or its time is up. Otherwise a client could
   * start any number of calls: it would send a hello and close its link, again and again.
   */
  gone(): void {
    const { clock, holdMs } = this.#options;
    if (this.#state === "waiting") this.#giveUp(new HubError("DISCONNECTED", "The client is gone"));
    if (this.#state !== "used") return;
    const leftMs = Math.max(0, this.#since + holdMs - clock.now());
    this.#stopTimer = clock.after(leftMs, () => this.done(), { background: true });
  }

  readonly #begin = (): void => {
    this.#stopTimer();
    this.#state = "used";
    this.#since = this.#options.clock.now();
    this.#settle();
  };

  #giveUp(error: Error): void {
    this.#state = "over";
    this.#stopTimer();
    this.#options.gate.withdraw(this.#begin);
    this.#settle(error);
  }
}
