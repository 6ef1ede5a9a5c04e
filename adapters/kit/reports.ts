/**
 * Reports for events that may happen a thousand times a second. It reports the first at once, and counts the others of
 * the next second.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";

const INTERVAL_MS = 1_000;

/** A number of messages, in words. */
export const inMessages = (count: number): string => count === 1 ? "a message" : `${count} messages`;

/** Reports how many there were since the last report. */
type Report = (count: number) => void;

interface Kind {
  count: number;
  report: Report;
  stop(): void;
}

/** Counts events of the same kind. */
export class Reports {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();
  #closed = false;

  /** @param clock The source of time. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Reports an event at once, or counts it.
   *
   * @param kind The kind of event; there are few kinds.
   * @param count How often it happened.
   * @param report Reports it.
   */
  add(kind: string, count: number, report: Report): void {
    if (this.#closed) return;
    const known = this.#kinds.get(kind);
    if (known) {
      known.count += count;
      known.report = report;
      return;
    }
    this.#kinds.set(kind, { count: 0, report, stop: this.#clock.after(INTERVAL_MS, () => this.#next(kind)) });
    report(count);
  }

  /** Reports the events counted so far, and then nothing more. */
  close(): void {
    this.#closed = true;
    for (const { count, report, stop } of this.#kinds.values()) {
      stop();
      if (count > 0) report(count);
    }
    this.#kinds.clear();
  }

  #next(name: string): void {
    const kind = this.#kinds.get(name)!;
    const { count, report } = kind;
    if (count === 0) {
      this.#kinds.delete(name);
      return;
    }
    kind.count = 0;
    kind.stop = this.#clock.after(INTERVAL_MS, () => this.#next(name));
    report(count);
  }
}
