/**
 * Reports of what may happen a thousand times a second: the first at once, the others of the next second counted.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";

const INTERVAL_MS = 1_000;

/** So many messages, in words. */
export const inMessages = (count: number): string => count === 1 ? "a message" : `${count} messages`;

/** Says how many more there were since the last report. */
type Report = (count: number) => void;

interface Kind {
  count: number;
  report: Report;
  stop(): void;
}

/** Counts what is alike. */
export class Reports {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();
  #closed = false;

  /** @param clock Where seconds come from. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Reports something, at once or counted.
   *
   * @param kind What is alike; of few kinds.
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

  /** Reports what was counted, and nothing any more. */
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
