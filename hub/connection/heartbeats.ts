/**
 * Spreads the heartbeats of many links over time. Thousands of heartbeats at once would block this process for a
 * second.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";

/** A link that gets heartbeats. */
export interface Beating {
  /** The part of the interval in which it beats; -1 before `add` and after `remove`. */
  part: number;
  /** Its place in the list of that part. */
  place: number;
  /** Pings the other end if needed, or gives up on it. Does not throw. */
  beat(): void;
}

/** The most parts of an interval. Each has a timer, but only if it has links. */
const MAX_PARTS = 125;
/** The shortest part, in milliseconds. */
const MIN_PART_MS = 100;
/**
 * How late a turn may be, as a share of the interval, without moving the later turns. Every timer of a busy process is
 * late. If each of them moved all later turns, the delays of all parts would add up.
 */
const SLACK = 1 / 2;

/** A part, and when it has its turn. */
interface Coming {
  readonly index: number;
  readonly due: number;
}

/**
 * Beats for each link once in every interval. The links take turns, in equal parts of the interval. If a beat was late,
 * the next one comes sooner by the same time, but by half an interval at most.
 */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #partMs: number;
  readonly #slackMs: number;
  readonly #parts: readonly Beating[][];
  #size = 0;
  /** The part that the next new link joins. */
  #next = 0;
  /** The part that had its turn last, and when by the clock. */
  #last = 0;
  #lastAt = 0;
  /** The part whose turn comes next. */
  #planned: { readonly due: number; readonly stop: () => void } | undefined;
  /** While this is set, links that come or go do not change the plan; it is made when all beats are done. */
  #isBeating = false;

  /**
   * @param clock The clock.
   * @param intervalMs The time between two beats for the same link, in milliseconds.
   */
  constructor(clock: Clock, intervalMs: number) {
    const count = Math.max(1, Math.min(MAX_PARTS, Math.floor(intervalMs / MIN_PART_MS)));
    this.#clock = clock;
    this.#partMs = intervalMs / count;
    this.#slackMs = intervalMs * SLACK;
    this.#parts = Array.from({ length: count }, () => []);
  }

  /** Beats for a link from now on. Its first beat comes within one interval. */
  add(link: Beating): void {
    const index = this.#next;
    if (this.#size++ === 0) this.#turn(index, this.#clock.now());
    this.#next = (index + 1) % this.#parts.length;
    link.part = index;
    link.place = this.#parts[index]!.push(link) - 1;
    if (link.place > 0 || this.#isBeating) return;
    const due = this.#dueOf(index);
    if (!this.#planned || due < this.#planned.due) this.#plan(index, due);
  }

  /** Stops the beats for a link. Idempotent. */
  remove(link: Beating): void {
    if (link.part < 0) return;
    const part = this.#parts[link.part]!;
    const last = part.pop()!;
    if (last !== link) part[last.place = link.place] = last;
    link.part = -1;
    if (--this.#size > 0) return;
    this.#planned?.stop();
    this.#planned = undefined;
  }

  #turn(index: number, at: number): void {
    this.#last = index;
    this.#lastAt = at;
  }

  /** When a part has its next turn. If its turn has passed in this round, that is in the next round. */
  #dueOf(index: number): number {
    const { length } = this.#parts;
    const ahead = (index - this.#last + length - 1) % length + 1;
    const due = this.#lastAt + ahead * this.#partMs;
    return due > this.#clock.now() ? due : due + length * this.#partMs;
  }

  #plan(index: number, due: number): void {
    this.#planned?.stop();
    const delayMs = Math.max(0, due - this.#clock.now());
    const stop = this.#clock.after(delayMs, () => this.#beat(index, due), { background: true });
    this.#planned = { due, stop };
  }

  #beat(index: number, due: number): void {
    this.#planned = undefined;
    this.#isBeating = true;
    const now = this.#clock.now();
    // After a pause of the process all parts are overdue. Then only some of them beat at once.
    let next: Coming | undefined = { index, due: Math.max(due, now - this.#slackMs) };
    do {
      this.#turn(next.index, next.due);
      for (const link of [...this.#parts[next.index]!]) if (link.part === next.index) link.beat();
      next = this.#following();
    } while (next && next.due <= now);
    this.#isBeating = false;
    if (next) this.#plan(next.index, next.due);
  }

  /** The next part that has links. */
  #following(): Coming | undefined {
    if (this.#size === 0) return undefined;
    const { length } = this.#parts;
    let ahead = 1;
    while (ahead < length && this.#parts[(this.#last + ahead) % length]!.length === 0) ahead++;
    return { index: (this.#last + ahead) % length, due: this.#lastAt + ahead * this.#partMs };
  }
}
