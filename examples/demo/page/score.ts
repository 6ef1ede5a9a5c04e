/**
 * The score of a window since a node died: how long the window had no node, and which numbered messages it missed meanwhile. The
 * page measures all of it from the messages that arrive.
 *
 * @module
 */

import { type ClusterView, type SymbolName, SYMBOLS, type Tick, TICK_MS } from "../contract.ts";
import type { FeedListener } from "./feed.ts";
import { Ledger } from "./ledger.ts";
import { Publishers } from "./publishers.ts";

/** A window's score. */
export interface ScoreView {
  /** The node that died; absent if the link broke for another reason. */
  readonly died?: number;
  readonly how: "killed" | "stopped" | "lost";
  /** The node that serves the window; 0 while there is none. */
  readonly node: number;
  /** How long the window had no node, in milliseconds; absent if it always had one, or still has none. */
  readonly movedMs?: number;
  /** Whether it came back to the node that it had lost. */
  readonly back: boolean;
  /** The number of expected messages that have not arrived, or not yet. */
  readonly lost: number;
  /** The number of messages that arrived a second time. */
  readonly twice: number;
  /** The number of messages that were missed first and arrived later. */
  readonly again: number;
  /** The number of counted messages. */
  readonly came: number;
  /** Whether the stream has continued for long enough, so that the score is certain. */
  readonly done: boolean;
}

/** The stream must continue for so long before the score counts, in milliseconds. */
const SURE_MS = 1_000;
/** A message that has not arrived after so long is lost, in milliseconds. */
const PATIENCE_MS = 10_000;

/** A round: the time from one death to the next. */
interface Round {
  readonly at: number;
  /** The counts from before the round, by symbol. */
  readonly marks: ReadonlyMap<SymbolName, Ledger["count"]>;
  died?: number;
  how: ScoreView["how"];
  lostAt?: number;
  /** The node that the window lost first. */
  lostNode?: number;
  movedMs?: number;
  /** The time of the last event that may have disturbed the stream. */
  lastAt: number;
  /** How many messages the hub has sent again. */
  recovered: number;
  done: boolean;
  /** The final score, when nothing can change it any more. */
  final?: ScoreView;
}

/** Keeps the score of a window. */
export class Score implements FeedListener {
  readonly #now: () => number;
  readonly #onChange: (view: ScoreView | undefined) => void;
  readonly #ledgers = new Map<SymbolName, Ledger>(SYMBOLS.map((symbol) => [symbol, new Ledger()]));
  readonly #publishers = new Map<SymbolName, Publishers>(SYMBOLS.map((symbol) => [symbol, new Publishers()]));
  #slots: ClusterView["slots"] = [];
  #node = 0;
  #round: Round | undefined;

  /**
   * @param onChange Called with each new score.
   * @param now A clock in milliseconds.
   */
  constructor(onChange: (view: ScoreView | undefined) => void, now: () => number = () => performance.now()) {
    this.#onChange = onChange;
    this.#now = now;
  }

  /** The score; absent before the first round. */
  get view(): ScoreView | undefined {
    const round = this.#round;
    if (!round || round.final) return round?.final;
    const { died, how, movedMs, done } = round;
    const since = (what: "came" | "late" | "twice") =>
      this.#sum(({ count }, mark) => count[what] - mark[what]);
    return {
      died,
      how,
      node: isAway(round) ? 0 : this.#node,
      movedMs,
      back: round.lostNode === this.#node,
      lost: this.#sum((ledger, { newest }) => ledger.lostAfter(newest)),
      twice: since("twice"),
      again: round.recovered + since("late"),
      came: since("came"),
      done,
    };
  }

  /** The link is lost. */
  lostLink(): void {
    const round = this.#begin();
    round.lastAt = this.#now();
    if (round.movedMs !== undefined) round.lostAt = round.movedMs = undefined; // the next node has died too
    round.lostAt ??= round.lastAt;
    round.lostNode ??= this.#node;
    this.#tell();
  }

  /** Takes a report of the cluster. */
  learn({ you, slots }: Pick<ClusterView, "you" | "slots">): void {
    const round = this.#round;
    if (round?.lostAt !== undefined && round.movedMs === undefined) {
      round.movedMs = this.#now() - round.lostAt;
      round.lastAt = this.#now();
    }
    this.#node = you;
    if (slots.length === 0) return this.#judge(); // a node that has just started does not know them yet
    for (const { number, state } of slots) {
      const before = this.#slots.find((slot) => slot.number === number)?.state;
      if (before !== "running" || (state !== "stopping" && state !== "stopped")) continue;
      const how = state === "stopped" ? "killed" : "stopped";
      Object.assign(this.#begin(), { died: number, how, lastAt: this.#now() });
    }
    this.#slots = slots;
    this.#judge();
  }

  /** Counts a price that was delivered. */
  onTick(symbol: SymbolName, { n, first, node }: Tick, again: boolean): void {
    const ledger = this.#ledgers.get(symbol)!;
    if (ledger.count.newest === 0 && this.#round) this.#round.lastAt = this.#now(); // the stream begins
    if (!this.#publishers.get(symbol)!.isOther(n, node)) {
      ledger.deliver(n, first || ledger.count.newest === 0);
    }
    if (again && this.#round) this.#round.recovered++;
    this.#judge();
  }

  /** Counts prices that fill a gap. */
  onFetched(symbol: SymbolName, ticks: readonly Tick[]): void {
    for (const { n, first } of ticks) this.#ledgers.get(symbol)!.fetch(n, first);
    this.#judge();
  }

  #begin(): Round {
    if (this.#round && !this.#round.done) return this.#round;
    const marks = new Map([...this.#ledgers].map(([symbol, { count }]) => [symbol, { ...count }]));
    const at = this.#now();
    return this.#round = { at, marks, how: "lost", lastAt: at, recovered: 0, done: false };
  }

  #sum(value: (ledger: Ledger, mark: Ledger["count"]) => number): number {
    const marks = this.#round!.marks;
    return [...this.#ledgers].reduce((sum, [symbol, ledger]) => sum + value(ledger, marks.get(symbol)!), 0);
  }

  /** Decides whether the round is over: the stream has continued, and either all messages arrived or the time limit has passed. */
  #judge(): void {
    const round = this.#round;
    if (!round || round.final) return;
    const view = this.view!;
    if (!isAway(round)) {
      const due = (round.lastAt - round.at + SURE_MS) / TICK_MS;
      const goesOn = this.#now() - round.lastAt >= SURE_MS &&
        [...round.marks].every(([symbol, { newest }]) =>
          this.#ledgers.get(symbol)!.count.newest >= newest + due
        );
      round.done ||= goesOn && (view.lost === 0 || this.#now() - round.lastAt > PATIENCE_MS);
      // A lost message may still arrive later.
      if (round.done && view.lost === 0) round.final = { ...view, done: true };
    }
    this.#tell();
  }

  #tell(): void {
    this.#onChange(this.view);
  }
}

/** Whether the window has no node now. */
const isAway = ({ lostAt, movedMs }: Round): boolean => lostAt !== undefined && movedMs === undefined;
