/**
 * What a window has lived through since a node died: how long it was without one, and what became of the numbered
 * messages meanwhile. All of it is measured here, from what came.
 *
 * @module
 */

import { type ClusterView, type SymbolName, SYMBOLS, type Tick, TICK_MS } from "../contract.ts";
import type { FeedListener } from "./feed.ts";
import { Ledger } from "./ledger.ts";

/** A window's score. */
export interface ScoreView {
  /** The node that died; absent when the link broke for another reason. */
  readonly died?: number;
  readonly how: "killed" | "stopped" | "lost";
  /** The node that serves the window; 0 while none does. */
  readonly node: number;
  /** How long it was without one, in milliseconds; absent when it was not, or still is. */
  readonly movedMs?: number;
  /** Messages that should have come and have not, or not yet. */
  readonly lost: number;
  /** Messages that came a second time. */
  readonly twice: number;
  /** Messages that were missed at first, and came later. */
  readonly again: number;
  /** Messages that were counted. */
  readonly came: number;
  /** Whether the stream has gone on for long enough to be sure. */
  readonly done: boolean;
}

/** The stream has to go on for so long before the score counts, in milliseconds. */
const SURE_MS = 1_000;
/** What has not come by then is lost, in milliseconds. */
const PATIENCE_MS = 10_000;

/** From one death to the next. */
interface Round {
  readonly at: number;
  /** What was counted before it, by symbol. */
  readonly marks: ReadonlyMap<SymbolName, Ledger["count"]>;
  died?: number;
  how: ScoreView["how"];
  lostAt?: number;
  movedMs?: number;
  /** When the last thing happened of which the stream may have been hurt. */
  lastAt: number;
  /** How many the hub has sent again. */
  recovered: number;
  done: boolean;
  /** What it has come to, when nothing can change it any more. */
  final?: ScoreView;
}

/** Keeps the score of a window. */
export class Score implements FeedListener {
  readonly #now: () => number;
  readonly #onChange: (view: ScoreView | undefined) => void;
  readonly #ledgers = new Map<SymbolName, Ledger>(SYMBOLS.map((symbol) => [symbol, new Ledger()]));
  #slots: ClusterView["slots"] = [];
  #node = 0;
  #round: Round | undefined;

  /**
   * @param onChange Told each change.
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
    this.#tell();
  }

  /** A node tells how the cluster stands. */
  learn({ you, slots }: Pick<ClusterView, "you" | "slots">): void {
    const round = this.#round;
    if (round?.lostAt !== undefined && round.movedMs === undefined) {
      round.movedMs = this.#now() - round.lostAt;
      round.lastAt = this.#now();
    }
    this.#node = you;
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
  onTick(symbol: SymbolName, { n, first }: Tick, again: boolean): void {
    const ledger = this.#ledgers.get(symbol)!;
    ledger.deliver(n, first || ledger.count.newest === 0);
    if (again && this.#round) this.#round.recovered++;
    this.#judge();
  }

  /** Counts those that close a hole. */
  onFetched(symbol: SymbolName, ticks: readonly Tick[]): void {
    for (const { n } of ticks) this.#ledgers.get(symbol)!.fetch(n);
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

  /** Decides whether the round is over: the stream has gone on beyond it, and either all came or the patience is over. */
  #judge(): void {
    const round = this.#round;
    if (!round || round.final) return;
    const view = this.view!;
    if (!isAway(round)) {
      const due = (round.lastAt - round.at + SURE_MS) / TICK_MS;
      const goesOn = [...round.marks].every(([symbol, { newest }]) =>
        this.#ledgers.get(symbol)!.count.newest >= newest + due
      );
      round.done ||= goesOn && (view.lost === 0 || this.#now() - round.lastAt > PATIENCE_MS);
      // What is lost may still come after all.
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
