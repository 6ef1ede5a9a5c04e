import { assert, assertEquals } from "@std/assert";
import { type Beating, Heartbeats } from "../../hub/connection/heartbeats.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { Random } from "../load/random.ts";

const INTERVAL_MS = 12_500;

/** A link that notes the times of its beats. */
class Noted implements Beating {
  readonly times: number[] = [];
  part = -1;
  place = -1;
  readonly #clock: FakeClock;
  readonly #onBeat: (() => void) | undefined;

  constructor(clock: FakeClock, onBeat?: () => void) {
    this.#clock = clock;
    this.#onBeat = onBeat;
  }

  beat(): void {
    this.times.push(this.#clock.now());
    this.#onBeat?.();
  }
}

test("heartbeats: those of many links are spread over the interval, and each link has one in every interval", () => {
  const clock = new FakeClock();
  const links: Noted[] = [];
  const heartbeats = new Heartbeats(clock, INTERVAL_MS);
  const come = () => {
    const link = new Noted(clock);
    links.push(link);
    heartbeats.add(link);
  };
  for (let i = 0; i < 15_000; i++) come();
  assertEquals(clock.pending, 1);
  clock.advance(3 * INTERVAL_MS);
  const atOnce = new Map<number, number>();
  for (const { times } of links) {
    assertEquals(times.length, 3);
    assert(times[0]! > 0 && times[0]! <= INTERVAL_MS);
    assertEquals([times[1]! - times[0]!, times[2]! - times[1]!], [INTERVAL_MS, INTERVAL_MS]);
    atOnce.set(times[0]!, (atOnce.get(times[0]!) ?? 0) + 1);
  }
  assertEquals([Math.max(...atOnce.values()), atOnce.size], [120, 125]);
});

test("heartbeats: a link that is alone has its first one after a whole interval, and wakes the process no more often", () => {
  const clock = new FakeClock();
  const link = new Noted(clock);
  const heartbeats = new Heartbeats(clock, INTERVAL_MS);
  heartbeats.add(link);
  clock.advance(INTERVAL_MS - 1);
  assertEquals([link.times, clock.pending], [[], 1]);
  clock.advance(1 + INTERVAL_MS);
  assertEquals(link.times, [INTERVAL_MS, 2 * INTERVAL_MS]);
  heartbeats.remove(link);
  heartbeats.remove(link);
  assertEquals(clock.pending, 0);
});

test("heartbeats: after a pause of the process each link has one, and the next after half an interval or more", () => {
  const clock = new FakeClock();
  const links: Noted[] = [];
  const heartbeats = new Heartbeats(clock, INTERVAL_MS);
  const come = () => {
    const link = new Noted(clock);
    links.push(link);
    heartbeats.add(link);
  };
  for (let i = 0; i < 250; i++) come();
  clock.advance(1_000);
  clock.jump(60_000);
  come(); // before the late timer has fired
  clock.advance(INTERVAL_MS / 2 - 1);
  for (const { times } of links) assert(times.filter((at) => at >= 61_000).length <= 1, `${times}`);
  clock.advance(INTERVAL_MS / 2);
  for (const { times } of links) assert(times.some((at) => at >= 61_000), `${times}`);
  const before = links.map(({ times }) => times.length);
  clock.advance(INTERVAL_MS);
  const again = new Set(links.map(({ times }, i) => times[before[i]!]));
  assertEquals(again.size, 125); // they are spread as before
});

test("heartbeats: whichever links come and go, also while one beats, none waits longer than an interval or has two in one", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const clock = new FakeClock();
    const intervalMs = [50, 250, 2_000][random.below(3)]!;
    const links = new Map<Noted, number>();
    const heartbeats = new Heartbeats(clock, intervalMs);
    const come = () => {
      const link: Noted = new Noted(clock, () => {
        if (random.oneIn(20)) go(link);
        if (random.oneIn(20)) come();
      });
      links.set(link, clock.now());
      heartbeats.add(link);
    };
    const go = (link: Noted) => {
      const { times } = link;
      const all = [links.get(link)!, ...times, clock.now()];
      all.forEach((at, i) => i > 0 && assert(at - all[i - 1]! <= intervalMs + 1e-6, `seed ${seed}: ${all}`));
      times.forEach((at, i) =>
        i > 0 && assert(at - times[i - 1]! >= intervalMs - 1e-6, `seed ${seed}: ${all}`)
      );
      links.delete(link);
      heartbeats.remove(link);
    };
    for (let step = 0; step < 300; step++) {
      if (random.oneIn(3)) come();
      if (random.oneIn(4) && links.size > 0) go(random.pick([...links.keys()]));
      clock.advance(random.below(intervalMs / 4));
    }
    for (const link of [...links.keys()]) go(link);
    assertEquals(clock.pending, 0);
  }
});

test("heartbeats: in a process that is always busy for some time, each link is late by that time at most, not by the sum of all parts", () => {
  for (
    const [intervalMs, busyMs] of [[12_500, 30], [12_500, 450], [12_500, 6_000], [2_000, 900], [500, 240]]
  ) {
    const clock = new FakeClock();
    const links = Array.from({ length: 1_000 }, () => new Noted(clock));
    const heartbeats = new Heartbeats(clock, intervalMs!);
    for (const link of links) heartbeats.add(link);
    while (clock.now() < 10 * intervalMs!) {
      clock.jump(busyMs!);
      clock.advance(0);
    }
    for (const { times } of links) {
      const gaps = times.map((at, i) => at - (times[i - 1] ?? 0));
      assert(Math.max(...gaps) <= intervalMs! + busyMs!, `${busyMs} ms busy: ${gaps}`);
      assert(Math.min(...gaps.slice(1)) >= intervalMs! - busyMs!, `${busyMs} ms busy: ${gaps}`);
    }
  }
});
