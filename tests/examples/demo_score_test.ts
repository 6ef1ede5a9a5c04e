import { assertEquals } from "@std/assert";
import { type Slot, type SymbolName, SYMBOLS, TICK_MS } from "../../examples/demo/contract.ts";
import { Ledger } from "../../examples/demo/page/ledger.ts";
import { Score, type ScoreView } from "../../examples/demo/page/score.ts";
import { test } from "../harness.ts";

const slot = (number: number, state: Slot["state"]): Slot => ({ number, url: "", state });
const slots = (...states: Slot["state"][]) => states.map((state, index) => slot(index + 1, state));

/** A window, the prices that come to it, and a clock of its own. */
class Play {
  readonly views: (ScoreView | undefined)[] = [];
  nowMs = 0;
  readonly score = new Score((view) => this.views.push(view), () => this.nowMs);

  get view(): ScoreView {
    return this.score.view!;
  }

  /** Lets ticks come, one after the other as the time goes by. */
  ticks(
    from: number,
    to: number,
    { again = false, symbols = SYMBOLS as readonly SymbolName[], node = 1 } = {},
  ): void {
    for (let n = from; n <= to; n++) {
      this.nowMs = Math.max(this.nowMs, n * TICK_MS);
      for (const symbol of symbols) this.score.onTick(symbol, { n, price: 1, node, first: false }, again);
    }
  }
}

test("a ledger counts missing messages until they come, and duplicates", () => {
  const ledger = new Ledger();
  const deliver = (...all: number[]) => all.forEach((n) => ledger.deliver(n, ledger.count.newest === 0));
  deliver(10, 11, 14);
  assertEquals([ledger.lostAfter(0), ledger.lostAfter(12)], [2, 1]);
  deliver(12, 12);
  assertEquals([ledger.lostAfter(0), ledger.count], [1, { newest: 14, came: 4, late: 1, twice: 1 }]);
  for (const n of [13, 13, 11]) ledger.fetch(n);
  assertEquals([ledger.lostAfter(0), ledger.count], [0, { newest: 14, came: 5, late: 2, twice: 1 }]);
});

test("a ledger knows messages that were fetched before the gap was seen, and counts a later delivery of them once", () => {
  const ledger = new Ledger();
  ledger.deliver(10, true);
  for (const n of [9, 10, 11, 12, 13]) ledger.fetch(n);
  ledger.deliver(13, false);
  ledger.deliver(14, false);
  assertEquals([ledger.lostAfter(0), ledger.count], [0, { newest: 14, came: 5, late: 2, twice: 0 }]);
});

test("a ledger does not miss messages that were never sent", () => {
  const ledger = new Ledger();
  ledger.deliver(1_000, true);
  ledger.deliver(1_100, true);
  ledger.deliver(1_102, false);
  assertEquals(ledger.lostAfter(0), 1);
});

test("a window that moves shows how long it was away, and that each message came once", () => {
  const play = new Play();
  play.score.learn({ you: 2, slots: slots("running", "running") });
  play.ticks(100, 120);
  assertEquals(play.score.view, undefined, "nothing has happened yet");
  play.score.lostLink();
  play.nowMs += 1_300;
  assertEquals(play.view.node, 0);
  play.score.learn({ you: 1, slots: slots("running", "stopped") });
  play.ticks(121, 130, { again: true });
  assertEquals([play.view.done, play.view.movedMs], [false, 1_300]);
  play.ticks(131, 140);
  const { died, how, node, movedMs, lost, twice, again, done } = play.view;
  assertEquals({ died, how, node, movedMs, lost, twice, again, done }, {
    died: 2,
    how: "killed",
    node: 1,
    movedMs: 1_300,
    lost: 0,
    twice: 0,
    again: 30,
    done: true,
  });
  const told = play.views.length;
  play.ticks(141, 160);
  assertEquals(play.views.length, told, "what is sure is not told again");
});

test("a window that stays is counted too, and a node that is stopped was not killed", () => {
  const play = new Play();
  play.score.learn({ you: 1, slots: slots("running", "running") });
  play.ticks(100, 110);
  play.score.learn({ you: 1, slots: slots("running", "stopping") });
  play.score.learn({ you: 1, slots: slots("running", "stopped") });
  play.ticks(111, 130);
  const { died, how, node, movedMs, lost, done } = play.view;
  assertEquals([died, how, node, movedMs, lost, done], [2, "stopped", 1, undefined, 0, true]);
});

test("a message that does not come is lost, and counts so until it comes after all", () => {
  const play = new Play();
  play.score.learn({ you: 2, slots: slots("running", "running") });
  play.ticks(100, 110);
  play.score.lostLink();
  play.score.learn({ you: 1, slots: slots("running", "stopped") });
  play.ticks(114, 150);
  assertEquals([play.view.lost, play.view.done], [9, false], "it may still come");
  play.ticks(151, 200);
  assertEquals([play.view.lost, play.view.twice, play.view.done], [9, 0, true]);
  const late = [111, 112, 113].map((n) => ({ n, price: 1, node: 1, first: false }));
  for (const symbol of SYMBOLS) play.score.onFetched(symbol, late);
  assertEquals([play.view.lost, play.view.again], [0, 9]);
});

test("duplicates are counted", () => {
  const play = new Play();
  play.score.learn({ you: 2, slots: slots("running", "running") });
  play.ticks(100, 110);
  play.score.lostLink();
  play.score.learn({ you: 1, slots: slots("running", "stopped") });
  play.ticks(109, 112, { again: true, symbols: [SYMBOLS[0]] });
  play.ticks(111, 130, { symbols: SYMBOLS.slice(1) });
  play.ticks(113, 130, { symbols: [SYMBOLS[0]] });
  assertEquals([play.view.lost, play.view.twice, play.view.done], [0, 2, true]);
});

test("a number that died with its node, and that the next node publishes again, is no duplicate", () => {
  const play = new Play();
  play.score.learn({ you: 2, slots: slots("running", "running") });
  play.ticks(100, 110);
  play.score.lostLink();
  play.score.learn({ you: 1, slots: slots("running", "stopped") });
  play.ticks(110, 110, { node: 2 });
  assertEquals(play.view.twice, 0);
  play.ticks(110, 130, { node: 2 });
  assertEquals([play.view.lost, play.view.twice, play.view.done], [0, SYMBOLS.length, true]);
});

test("a second death within the first one is the same round, and the next one a round of its own", () => {
  const play = new Play();
  play.score.learn({ you: 1, slots: slots("running", "running", "running") });
  play.ticks(100, 110);
  play.score.lostLink();
  play.score.learn({ you: 2, slots: slots("stopped", "running", "running") });
  play.score.lostLink();
  play.nowMs += 400;
  play.score.learn({ you: 3, slots: slots("stopped", "stopped", "running") });
  play.ticks(111, 150);
  assertEquals([play.view.died, play.view.node, play.view.movedMs, play.view.done], [2, 3, 400, true]);
  play.score.learn({ you: 3, slots: slots("running", "running", "running") });
  play.score.learn({ you: 3, slots: slots("stopped", "running", "running") });
  assertEquals([play.view.died, play.view.came, play.view.movedMs, play.view.done], [1, 0, undefined, false]);
});

test("a score is not sure at the first message: the stream has to go on for a second, also if none had come before", () => {
  const play = new Play();
  const tick = (n: number, atMs: number) => {
    play.nowMs = atMs;
    for (const symbol of SYMBOLS) play.score.onTick(symbol, { n, price: 1, node: 1, first: false }, false);
  };
  play.score.learn({ you: 1, slots: slots("running", "running") });
  play.score.lostLink();
  play.score.learn({ you: 2, slots: slots("stopped", "running") });
  tick(14_000_000_000, 2_000); // the numbers follow the time of day
  assertEquals(play.view.done, false);
  tick(14_000_000_004, 2_500);
  tick(14_000_000_008, 3_100);
  assertEquals([play.view.lost, play.view.done], [18, false]);
});

test("a node that has just started knows no other: its first report makes nobody forget who was killed", () => {
  const play = new Play();
  play.score.learn({ you: 2, slots: slots("running", "running") });
  play.ticks(100, 110);
  play.score.lostLink();
  play.score.learn({ you: 1, slots: [] });
  play.score.learn({ you: 1, slots: slots("running", "stopped") });
  assertEquals([play.view.died, play.view.how], [2, "killed"]);
});

test("numbers that no node has published are not lost, also if the window did not see the first message after them", () => {
  const play = new Play();
  play.score.learn({ you: 1, slots: slots("running") });
  play.ticks(100, 110);
  play.score.lostLink();
  // All nodes are dead until 150. The window comes back at 155, and asks for the messages before that.
  play.score.learn({ you: 1, slots: slots("running") });
  play.ticks(155, 156);
  const kept = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ n: from + i, price: 1, node: 1, first: i === 0 }));
  for (const symbol of SYMBOLS) play.score.onFetched(symbol, kept(150, 157));
  play.ticks(157, 170);
  assertEquals([play.view.lost, play.view.twice, play.view.done], [0, 0, true]);
});

test("a ledger that fetches ahead knows which message is the first, and still misses those after it", () => {
  const ledger = new Ledger();
  ledger.deliver(100, true);
  ledger.fetch(150, true);
  ledger.deliver(154, false);
  assertEquals([ledger.lostAfter(0), ledger.count.late], [3, 1]);
});

test("a window that comes back to its node has not moved", () => {
  for (const [to, back] of [[1, true], [2, false]] as const) {
    const play = new Play();
    play.score.learn({ you: 1, slots: slots("running", "running") });
    play.ticks(100, 110);
    play.score.lostLink();
    play.score.learn({ you: to, slots: slots("running", "running") });
    play.ticks(111, 130);
    assertEquals([play.view.node, play.view.back, play.view.done], [to, back, true]);
  }
});
