/**
 * The turn of one client to be authenticated, from its request to its end.
 *
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import type { Gate } from "../gate.ts";

/** What all turns share. */
export interface Turns {
  /** The clock. */
  readonly clock: Clock;
  /** Limits how many clients are authenticated at the same time. */
  readonly gate: Gate;
  /** How long the turn of a gone client counts at most, in milliseconds. */
  readonly holdMs: number;
  /** Makes the error when the turn does not come in time. */
  tooLate(): Error;
  /** Called with the duration of the turn, in milliseconds. */
  took(ms: number): void;
}

/** A turn that has not come yet. */
interface Waiting {
  /** Called by the gate when it comes. */
  begin(): void;
  /** Ends the wait with an error. */
  fail(error: Error): void;
}

/** The turn of one client. Most turns come at once: they need nothing but this object. */
export class Turn {
  /** Resolves when the turn comes, and rejects when it does not come in time; `undefined` when it came at once. */
  readonly come: Promise<void> | undefined;
  readonly #turns: Turns;
  #state: "waiting" | "used" | "over" = "waiting";
  #since: number;
  #waiting: Waiting | undefined;
  #stopTimer: (() => void) | undefined;

  /**
   * @param turns What all turns share.
   * @param now The time by the clock.
   * @param patienceMs How long the client may wait for its turn, in milliseconds.
   */
  constructor(turns: Turns, now: number, patienceMs: number) {
    this.#turns = turns;
    this.#since = now;
    if (turns.gate.enterNow()) this.#state = "used";
    else this.come = this.#wait(patienceMs);
  }

  /** Ends the turn: the client is authenticated or refused. Idempotent. */
  done(): void {
    if (this.#state !== "used") return;
    const { clock, gate } = this.#turns;
    this.#state = "over";
    this.#stopTimer?.();
    this.#turns.took(clock.now() - this.#since);
    gate.leave();
  }

  /**
   * The client is gone. A turn that has begun counts until it is done, or its time is up. Otherwise a client could
   * start any number of calls: it would send a hello and close its link, again and again.
   */
  gone(): void {
    if (this.#state === "over") return;
    if (this.#state === "waiting") return this.#giveUp(new HubError("DISCONNECTED", "The client is gone"));
    const { clock, holdMs } = this.#turns;
    const leftMs = Math.max(0, this.#since + holdMs - clock.now());
    this.#stopTimer = clock.after(leftMs, () => this.done(), { background: true });
  }

  #wait(patienceMs: number): Promise<void> {
    const { clock, gate } = this.#turns;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = this.#waiting = {
      begin: () => {
        this.#stopTimer?.();
        this.#waiting = undefined;
        this.#state = "used";
        this.#since = clock.now();
        resolve();
      },
      fail: reject,
    };
    gate.enter(waiting.begin);
    this.#stopTimer = clock.after(patienceMs, () => this.#giveUp(this.#turns.tooLate()), {
      background: true,
    });
    return promise;
  }

  #giveUp(error: Error): void {
    const { begin, fail } = this.#waiting!;
    this.#waiting = undefined;
    this.#state = "over";
    this.#stopTimer?.();
    this.#turns.gate.withdraw(begin);
    fail(error);
  }
}
