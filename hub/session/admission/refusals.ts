/**
 * Counts all refused clients, and reports them to the hub's operator. Refused clients come back again and again, so
 * it sends one report for each reason and interval.
 *
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import type { HubErrorInfo } from "../../api/options.ts";
import type { RefusalCounts, RefusalReason } from "../../api/refusals.ts";

/**
 * It reports the first refusal of a reason at once, and counts later ones within this time, in milliseconds.
 */
const INTERVAL_MS = 10_000;

/** One refusal. */
export interface Refusal {
  /** Why. */
  readonly reason: RefusalReason;
  /** What happened, which values were compared, and what to set. */
  readonly message: string;
  /** The error of the application, if the application refused the client. */
  readonly cause?: unknown;
  /** The connection that the hub closed. */
  readonly connectionId?: string;
}

/** The refusals since the last report. */
interface Recent {
  count: number;
  last: Refusal | undefined;
  readonly stop: () => void;
}

/**
 * Reasons that are only counted. The application, a start or a shutdown caused them, or the hub reports the error
 * itself.
 */
const TOLD: ReadonlySet<RefusalReason> = new Set([
  "unauthenticated",
  "forbidden",
  "starting",
  "closing",
  "failed",
]);

/** The counts at the start. */
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
   * @param clock The clock.
   * @param onError Gets the reports.
   */
  constructor(clock: Clock, onError: (error: unknown, info: HubErrorInfo) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** The number of refusals by reason. */
  get counts(): RefusalCounts {
    return { ...this.#counts };
  }

  /** Counts a refused client. */
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

  /** Reports the counted refusals, and stops reporting. */
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
