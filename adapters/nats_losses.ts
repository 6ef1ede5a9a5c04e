/**
 * Reports of messages that were lost: the first at once, the others counted, so that an outage under load does not flood
 * the log.
 *
 * @module
 */

import type { Clock } from "../contract/clock.ts";

/** How long losses are counted before they are reported. */
const INTERVAL_MS = 1_000;

/** Why a message was lost: makes the error for so many of them. */
export type LossReport = (count: number) => void;

/** Losses of each kind since the last report. */
export class Losses {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { count: number; report: LossReport; cancel(): void }>();

  /** @param clock Where seconds come from. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts a loss.
   *
   * @param kind What is alike; of few kinds.
   * @param report Reports it, not within this call.
   */
  add(kind: string, report: LossReport): void {
    const known = this.#kinds.get(kind);
    if (known) {
      known.count++;
      known.report = report;
      return;
    }
    const cancel = this.#clock.after(INTERVAL_MS, () => this.#next(kind));
    this.#kinds.set(kind, { count: 0, report, cancel });
    queueMicrotask(() => report(1));
  }

  /** Counts no more. */
  close(): void {
    for (const { cancel } of this.#kinds.values()) cancel();
    this.#kinds.clear();
  }

  #next(kind: string): void {
    const { count, report } = this.#kinds.get(kind)!;
    if (count === 0) return void this.#kinds.delete(kind);
    const cancel = this.#clock.after(INTERVAL_MS, () => this.#next(kind));
    this.#kinds.set(kind, { count: 0, report, cancel });
    report(count);
  }
}
