/**
 * Limits how many clients are authenticated at the same time. Other clients wait in the order in which they came. A
 * client that would wait too long is told when to come back. This is needed when a node dies: its clients come to the
 * other nodes at once. If a database gets all their questions at once, no answer comes in time.
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import { Gate } from "../gate.ts";
import { Lateness } from "./lateness.ts";
import { Turn, type Turns } from "./turn.ts";

/** How many may begin in one turn of the event loop. */
const PER_TURN = 64;
/** The weight of a new call in the moving average of their duration. */
const WEIGHT = 1 / 16;
/** When a refused client should come back: the shortest and the longest time, in milliseconds. */
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

/** Too many clients want to be authenticated. The error tells when to come back. */
export class BusyError extends HubError {
  /**
   * @param retryInMs When to come back, in milliseconds.
   * @param cause Which values were compared.
   */
  constructor(retryInMs: number, cause: string) {
    super("UNAVAILABLE", "Too many clients come at once", { data: { retryInMs }, cause });
  }
}

/** Options of {@linkcode Authentications}. */
export interface AuthenticationsOptions {
  /** The clock. */
  readonly clock: Clock;
  /** How many may run at the same time. */
  readonly max: number;
  /** How long a handshake may take, in milliseconds. A client may wait for half of the time that is left. */
  readonly timeoutMs: number;
}

/** Lets clients be authenticated in turn. */
export class Authentications {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #timeoutMs: number;
  readonly #gate: Gate;
  readonly #turns: Turns;
  readonly #lateness: Lateness;
  /** The average duration of one call, in milliseconds, without the delay of this process. */
  #averageMs = 0;
  /** The latest time at which a refused client should come back, by the clock. */
  #promised = 0;

  /** @param options Its options. */
  constructor({ clock, max, timeoutMs }: AuthenticationsOptions) {
    this.#clock = clock;
    this.#max = max;
    this.#timeoutMs = timeoutMs;
    this.#gate = new Gate({ clock, max, perTurn: PER_TURN });
    this.#turns = {
      clock,
      gate: this.#gate,
      holdMs: timeoutMs,
      tooLate: () => this.#tooMany(),
      took: (ms) => this.#took(ms),
    };
    this.#lateness = new Lateness(clock);
  }

  /** How many are being authenticated. */
  get busy(): number {
    return this.#gate.busy;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#gate.waiting;
  }

  /**
   * Takes a client that wants to be authenticated.
   *
   * @param openedAt When its link opened, by the clock.
   * @throws {BusyError} When it would wait too long.
   */
  enter(openedAt: number): Turn {
    const now = this.#clock.now();
    const leftMs = Math.max(0, openedAt + this.#timeoutMs - now) / 2;
    if (this.#waitMs > leftMs) throw this.#tooMany();
    const turn = new Turn(this.#turns, now, leftMs);
    if (this.#gate.busy + this.waiting > 1) this.#lateness.watch(); // a single call needs no timer
    return turn;
  }

  /** One call has ended, and still counts in `busy`. */
  #took(ms: number): void {
    const ownMs = Math.max(0, ms - this.#lateness.after(this.#clock.now() - ms));
    this.#averageMs += (ownMs - this.#averageMs) * (this.#averageMs === 0 ? 1 : WEIGHT);
    if (this.#gate.busy === 1 && this.waiting === 0) this.#lateness.rest();
  }

  /** How long a new client would wait, in milliseconds. */
  get #waitMs(): number {
    return this.waiting * this.#averageMs / this.#max;
  }

  /**
   * Refuses a client and gives it a time of its own to come back. The times follow each other at the rate of
   * authentication.
   */
  #tooMany(): BusyError {
    const now = this.#clock.now();
    const next = Math.max(this.#promised, now + this.#waitMs) + this.#averageMs / this.#max;
    this.#promised = next > now + MAX_RETRY_MS ? now + MAX_RETRY_MS / 2 : next;
    const retryInMs = Math.ceil(Math.max(MIN_RETRY_MS, this.#promised - now));
    return new BusyError(retryInMs, `limits.maxAuthenticating is ${this.#max}, ${this.waiting} wait`);
  }
}
