/**
 * The one way on which whoever runs the hub hears that a client was refused: counted always, reported once per reason
 * and while, because a refused client comes back.
 *
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import type { HubErrorInfo } from "../../api/options.ts";
import type { RefusalCounts, RefusalReason } from "../../api/refusals.ts";

/** Of each reason one refusal is reported at once, and what follows within this time counted, in milliseconds. */
const INTERVAL_MS = 10_000;

/** One refusal. */
export interface Refusal {
  /** Why. */
  readonly reason: RefusalReason;
  /** What happened, which values were compared, and what to set. */
  readonly message: string;
  /** A code of its own, and what it is about, where the application threw it. */
  readonly cause?: unknown;
  /** The connection that was cut off. */
  readonly connectionId?: string;
}

/** What happened since the last report. */
interface Recent {
  count: number;
  last: Refusal | undefined;
  readonly stop: () => void;
}

/** Counted only: what the application, a start or a shutdown asked for, and what is reported in full as its own error. */
const TOLD: ReadonlySet<RefusalReason> = new Set([
  "unauthenticated",
  "forbidden",
  "starting",
  "closing",
  "failed",
]);

/** The counts of a hub that has refused nobody. */
const NONE: RefusalCounts = {
  origin: 0,
  starting: 0,
  closing: 0,
  full: 0,
  address: 0,
  user: 0,
  busy: 0,
  upgrade: 0,
  version: 0,
  "handshake-timeout": 0,
  unauthenticated: 0,
  forbidden: 0,
  role: 0,
  application: 0,
  failed: 0,
  protocol: 0,
  "frame-size": 0,
  rate: 0,
};

/** Counts and reports refusals. */
export class Refusals {
  readonly #clock: Clock;
  readonly #onError: (error: unknown, info: HubErrorInfo) => void;
  readonly #counts: Record<RefusalReason, number> = { ...NONE };
  readonly #recent = new Map<RefusalReason, Recent>();

  /**
   * @param clock Where time comes from.
   * @param onError Hears of them.
   */
  constructor(clock: Clock, onError: (error: unknown, info: HubErrorInfo) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** How many there were. */
  get counts(): RefusalCounts {
    return { ...this.#counts };
  }

  /** A client was refused. */
  add(refusal: Refusal): void {
    const { reason } = refusal;
    this.#counts[reason]++;
    if (TOLD.has(reason)) return;
    const recent = this.#recent.get(reason);
    if (recent) {
      recent.count++;
      recent.last = refusal;
      return;
    }
    this.#wait(reason);
    this.#report(refusal, 1);
  }

  /** Reports what was counted, and nothing later. */
  close(): void {
    for (const { count, last, stop } of this.#recent.values()) {
      stop();
      if (last) this.#report(last, count);
    }
    this.#recent.clear();
  }

  #wait(reason: RefusalReason): void {
    const stop = this.#clock.after(INTERVAL_MS, () => this.#next(reason), { background: true });
    this.#recent.set(reason, { count: 0, last: undefined, stop });
  }

  #next(reason: RefusalReason): void {
    const { count, last } = this.#recent.get(reason)!;
    this.#recent.delete(reason);
    if (!last) return;
    this.#wait(reason);
    this.#report(last, count);
  }

  #report({ reason, message, cause, connectionId }: Refusal, count: number): void {
    const more = count > 1 ? ` (the last of ${count} within ${INTERVAL_MS / 1_000} s)` : "";
    const error = new HubError("REFUSED", message + more, { cause, data: { reason, count } });
    this.#onError(error, { stage: "refused", reason, count, ...(connectionId && { connectionId }) });
  }
}
