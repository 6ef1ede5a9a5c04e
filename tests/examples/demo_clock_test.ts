import { assertEquals } from "@std/assert";
import { type Message, SYMBOLS, TICK_MS } from "../../examples/demo/contract.ts";
import type { DemoHub } from "../../examples/demo/node/create_hub.ts";
import { Recent } from "../../examples/demo/node/recent.ts";
import { Ticker } from "../../examples/demo/node/ticker.ts";
import { Series } from "../../examples/demo/page/series.ts";
import { test, waitFor } from "../harness.ts";

const HOUR_MS = 3_600_000;

/** A clock of the machine that somebody can set; the old one is back at disposal. */
class SetClock implements Disposable {
  readonly #real = Date.now;
  offsetMs = 0;

  constructor() {
    Date.now = () => this.#real() + this.offsetMs;
  }

  [Symbol.dispose](): void {
    Date.now = this.#real;
  }
}

test("demo: prices go on when the clock is set back, each with the next number", async () => {
  using clock = new SetClock();
  const published: { topic: string; n: number; first: boolean }[] = [];
  const hub = {
    cluster: { nodes: () => [{ id: "a", self: true, state: "up", startedAt: 0 }] },
    history: () => Promise.resolve({ records: [] }),
    publish: (topic: string, { n, first }: { n: number; first: boolean }) => {
      published.push({ topic, n, first });
      return Promise.resolve();
    },
  } as unknown as DemoHub;
  const ticker = new Ticker({ hub, number: 1, seed: "", publishes() {} });
  ticker.start();
  await waitFor(() => published.length === SYMBOLS.length, { what: "the first prices" });
  ticker.stop();
  clock.offsetMs = -HOUR_MS;
  ticker.start();
  await waitFor(() => published.length === 2 * SYMBOLS.length, {
    what: "prices after the clock was set back",
  });
  ticker.stop();
  const of = (symbol: string) => published.filter(({ topic }) => topic === `ticker/${symbol}`);
  for (const symbol of SYMBOLS) {
    const [before, after] = of(symbol);
    assertEquals(after, { ...before!, n: before!.n + 1, first: false });
  }
});

test("demo: the chart follows a clock that is set back and forth", () => {
  const series = new Series();
  const price = { price: 1, node: 1, first: false };
  let n = 1_000_000;
  for (let i = 0; i < 10; i++, n++) series.add({ n, ...price }, n * TICK_MS + 5);
  assertEquals(series.lagMs, 5);
  for (let i = 0; i < 10; i++, n++) series.add({ n, ...price }, n * TICK_MS - HOUR_MS);
  assertEquals(series.lagMs, -HOUR_MS);
  for (let i = 0; i < 300; i++, n++) series.add({ n, ...price }, n * TICK_MS + 7);
  assertEquals(series.lagMs, 7, "it forgets the delays of ticks that it does not show any more");
});

test("demo: messages are kept, and stay in order, when the clock is set back", () => {
  using clock = new SetClock();
  const recent = new Recent();
  const say = (text: string): Message => {
    const room = "lobby";
    const message = { id: text, room, name: "Ann", text, at: recent.timeIn(room), node: 1 } as const;
    recent.add(message);
    return message;
  };
  for (let i = 0; i < 120; i++) say(`before ${i}`);
  clock.offsetMs = -HOUR_MS;
  const after = say("after");
  assertEquals(recent.of("lobby").length, 100);
  assertEquals(recent.of("lobby").at(-1), after);
  assertEquals(recent.timeIn("ops") < after.at, true, "each room has its own order");
});
