/**
 * Timers of the same length that share one timer of the platform. Each connection starts several timers of a few
 * lengths, and cancels most of them. Platform timers cost much more than entries in a list.
 *
 * @module
 */

import type { Clock, TimerOptions } from "../contract/mod.ts";

/** Shorter timers, and those with a fraction of a millisecond (a random share), get a timer of their own. */
const SHARED_FROM_MS = 100;

interface Entry {
  readonly due: number;
  /** Absent when it is over: callers keep their cancels, and an entry that is over must hold nothing. */
  callback: (() => void) | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** The timers of one length. They are due in the order in which they were started. */
class Row {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #options: TimerOptions | undefined;
  #first: Entry | undefined;
  #last: Entry | undefined;
  #stop: (() => void) | undefined;
  #firing = false;

  readonly #onEmpty: () => void;

  constructor(clock: Clock, ms: number, options: TimerOptions | undefined, onEmpty: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#options = options;
    this.#onEmpty = onEmpty;
  }

  add(callback: () => void): () => void {
    const previous = this.#last;
    const entry: Entry = {
      due: this.#clock.now() + this.#ms,
      callback,
      previous,
      next: undefined,
    };
    this.#last = entry;
    if (previous) previous.next = entry;
    else this.#first = entry;
    if (!this.#stop && !this.#firing) this.#start(this.#ms);
    return () => this.#cancel(entry);
  }

  #cancel(entry: Entry): void {
    if (!entry.callback) return;
    this.#remove(entry);
    if (this.#first || this.#firing) return;
    this.#stop?.(); // a timer without callbacks would keep the process alive
    this.#stop = undefined;
    this.#onEmpty();
  }

  #remove(entry: Entry): void {
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    entry.callback = entry.previous = entry.next = undefined;
  }

  #start(ms: number): void {
    this.#stop = this.#clock.after(ms, () => this.#fire(), this.#options);
  }

  #fire(): void {
    this.#firing = true; // until the end, callbacks that start or cancel timers leave the platform's timer alone
    const now = this.#clock.now();
    try {
      for (let entry = this.#first; entry && entry.due <= now; entry = this.#first) {
        const callback = entry.callback!;
        this.#remove(entry);
        callback();
      }
    } finally {
      this.#firing = false;
      this.#stop = undefined;
      if (this.#first) this.#start(Math.max(0, Math.ceil(this.#first.due - this.#clock.now())));
      else this.#onEmpty();
    }
  }
}

/**
 * Makes a clock whose timers share timers of another clock. Each callback is still called on its own, never early. If
 * one throws, the others are called in a later timer.
 *
 * @param clock The other clock.
 */
export function sharingTimers(clock: Clock): Clock {
  const rows = new Map<number, Row>();
  const background = new Map<number, Row>();
  const begin = (known: Map<number, Row>, ms: number, options: TimerOptions | undefined): Row => {
    const row = new Row(clock, ms, options, () => {
      if (known.get(ms) === row) known.delete(ms);
    });
    known.set(ms, row);
    return row;
  };
  return {
    now: () => clock.now(),
    ...(clock.wall && { wall: () => clock.wall!() }),
    endOfTurn: (callback) => clock.endOfTurn(callback),
    after(ms, callback, options) {
      if (!(ms >= SHARED_FROM_MS) || !Number.isSafeInteger(ms)) return clock.after(ms, callback, options);
      const known = options?.background ? background : rows;
      return (known.get(ms) ?? begin(known, ms, options)).add(callback);
    },
  };
}
