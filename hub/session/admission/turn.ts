/**
 * The turn of one client to be authenticated, from its coming to its being done.
 *
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import type { Gate } from "../gate.ts";

/** What {@linkcode Turn} needs. */
export interface TurnOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Who is let through. */
  readonly gate: Gate;
  /** How long it may be waited for, in milliseconds. */
  readonly patienceMs: number;
  /** How long it counts as used at the most when its client is gone, in milliseconds. */
  readonly holdMs: number;
  /** The error of a turn that has not come in time. */
  tooLate(): Error;
  /** Hears how long it was used, in milliseconds. */
  took(ms: number): void;
}

/** A turn. */
export class Turn {
  /** Resolves when it has come, rejects when it does not in time; `undefined` where it came at once. */
  readonly come: Promise<void> | undefined;
  readonly #options: TurnOptions;
  #state: "waiting" | "used" | "over" = "waiting";
  #since = 0;
  #stopTimer = () => {};
  /** Ends the wait: with an error, or without. */
  #settle: (error?: Error) => void = () => {};

  /** @param options What it needs. */
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

  /** The client was authenticated, or was refused. Idempotent. */
  done(): void {
    if (this.#state !== "used") return;
    const { clock, gate, took } = this.#options;
    this.#state = "over";
    this.#stopTimer();
    took(clock.now() - this.#since);
    gate.leave();
  }

  /**
   * The client is gone. What has begun goes on counting until it is done, or its time is up: otherwise whoever says hello
   * and hangs up, again and again, had it done without a bound.
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
