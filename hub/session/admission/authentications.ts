/**
 * Who is asked for next: a bounded number of clients is authenticated at the same time, the others wait in the order in
 * which they came, and whoever would wait too long is told when to come back. After the death of a node its clients come
 * to the others at once; a database that is asked for all of them at once serves none in time.
 *
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import { Gate } from "../gate.ts";
import { Lateness } from "./lateness.ts";
import { Turn } from "./turn.ts";

/** How many may begin in one turn of the event loop. */
const PER_TURN = 64;
/** What a call counts against those before it in the average of what they take. */
const WEIGHT = 1 / 16;
/** When somebody who is sent away is to come back, at the soonest and at the latest, in milliseconds. */
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

/** More clients have come than are let in; tells when to come back. */
export class BusyError extends HubError {
  /**
   * @param retryInMs When to come back, in milliseconds.
   * @param cause What was compared.
   */
  constructor(retryInMs: number, cause: string) {
    super("UNAVAILABLE", "Too many clients come at once", { data: { retryInMs }, cause });
  }
}

/** What {@linkcode Authentications} needs. */
export interface AuthenticationsOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** How many at the same time. */
  readonly max: number;
  /** How long a client may take until it is let in, in milliseconds: it may wait for half of what its hello has left. */
  readonly timeoutMs: number;
}

/** Lets clients be authenticated in turn. */
export class Authentications {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #timeoutMs: number;
  readonly #gate: Gate;
  readonly #lateness: Lateness;
  /** What one takes on average, in milliseconds, without what this process was late to hear of it. */
  #averageMs = 0;
  /** The moment that the one who was sent away last was given, by the clock. */
  #promised = 0;

  /** @param options What it needs. */
  constructor({ clock, max, timeoutMs }: AuthenticationsOptions) {
    this.#clock = clock;
    this.#max = max;
    this.#timeoutMs = timeoutMs;
    this.#gate = new Gate({ clock, max, perTurn: PER_TURN });
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
   * A client wants in.
   *
   * @param openedAt When its link was opened, by the clock.
   * @throws {BusyError} When it would wait too long.
   */
  enter(openedAt: number): Turn {
    const leftMs = Math.max(0, openedAt + this.#timeoutMs - this.#clock.now()) / 2;
    if (this.#waitMs > leftMs) throw this.#tooMany();
    const turn = new Turn({
      clock: this.#clock,
      gate: this.#gate,
      patienceMs: leftMs,
      holdMs: this.#timeoutMs,
      tooLate: () => this.#tooMany(),
      took: (ms) => this.#took(ms),
    });
    if (this.#gate.busy + this.waiting > 1) this.#lateness.watch(); // a lone one needs no timer more
    return turn;
  }

  /** One is done, and still counted. */
  #took(ms: number): void {
    const ownMs = Math.max(0, ms - this.#lateness.after(this.#clock.now() - ms));
    this.#averageMs += (ownMs - this.#averageMs) * (this.#averageMs === 0 ? 1 : WEIGHT);
    if (this.#gate.busy === 1 && this.waiting === 0) this.#lateness.rest();
  }

  /** How long somebody who comes now would wait, in milliseconds. */
  get #waitMs(): number {
    return this.waiting * this.#averageMs / this.#max;
  }

  /** Sends a client away: each to a moment of its own, one after the other at the rate at which clients are let in. */
  #tooMany(): BusyError {
    const now = this.#clock.now();
    const next = Math.max(this.#promised, now + this.#waitMs) + this.#averageMs / this.#max;
    this.#promised = next > now + MAX_RETRY_MS ? now + MAX_RETRY_MS / 2 : next;
    const retryInMs = Math.ceil(Math.max(MIN_RETRY_MS, this.#promised - now));
    return new BusyError(retryInMs, `limits.maxAuthenticating is ${this.#max}, ${this.waiting} wait`);
  }
}
