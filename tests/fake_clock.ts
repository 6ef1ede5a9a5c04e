import { type Clock, systemClock } from "../contract/clock.ts";

/**
 * How many microtasks a turn of the event loop stands for. One is enough for everything that was sent in one go; the
 * others leave time for handlers that await something already there.
 */
const MICROTASKS_PER_TURN = 4;

/** In microtasks: so the next step of a test comes after the end of the turn, in the same order in every run. */
function endOfTurn(callback: () => void): void {
  let left = MICROTASKS_PER_TURN;
  const wait = () => left-- > 0 ? queueMicrotask(wait) : callback();
  wait();
}

/** The platform's clock, with turns that end in microtasks, as links of a loopback do everything. */
export const microtaskClock: Clock = { ...systemClock, endOfTurn };

/** A clock that stands still until it is told to move. */
export class FakeClock implements Clock {
  #now = 0;
  #lastId = 0;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const id = ++this.#lastId;
    this.#timers.set(id, { at: this.#now + ms, callback });
    return () => void this.#timers.delete(id);
  }

  readonly endOfTurn: Clock["endOfTurn"] = endOfTurn;

  /** Time has passed in which nothing ran: what fell due is called late, at the next `advance`. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Moves time on, calling what falls due in the order of its time. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      let next: [number, { at: number; callback: () => void }] | undefined;
      for (const entry of this.#timers) {
        if (entry[1].at <= until && (!next || entry[1].at < next[1].at)) next = entry;
      }
      if (!next) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].callback();
    }
    this.#now = until;
  }
}
