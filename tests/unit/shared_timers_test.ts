import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Clock } from "../../contract/clock.ts";
import { sharingTimers } from "../../hub/shared_timers.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { Random } from "../load/random.ts";
import { settledHeapBytes } from "../soak/heap.ts";

test("shared timers: many timers of one length take one timer of the platform, and none when all are cancelled", () => {
  const platform = new FakeClock();
  const clock = sharingTimers(platform);
  const cancels = Array.from({ length: 1_000 }, () => clock.after(5_000, () => {}));
  assertEquals(platform.pending, 1);
  const other = clock.after(7_000, () => {});
  assertEquals(platform.pending, 2);
  for (const cancel of cancels) cancel();
  assertEquals(platform.pending, 1);
  for (const cancel of cancels) cancel(); // idempotent
  other();
  assertEquals(platform.pending, 0);
});

test("shared timers: a timer that keeps the process alive is never shared with one that does not", () => {
  const kept: (boolean | undefined)[] = [];
  const platform: Clock = {
    now: () => 0,
    endOfTurn() {},
    after(_ms, _callback, options) {
      kept.push(options?.background);
      return () => {};
    },
  };
  const clock = sharingTimers(platform);
  for (const background of [true, false, true, undefined]) clock.after(5_000, () => {}, { background });
  assertEquals(kept, [true, false]);
});

test("shared timers: short timers, and those with a random share, are the platform's own", () => {
  const platform = new FakeClock();
  const clock = sharingTimers(platform);
  for (const ms of [0, 1, 99, 5_000.5, Infinity]) for (const _ of [1, 2]) clock.after(ms, () => {});
  assertEquals(platform.pending, 10);
});

test("shared timers: a callback that throws does not keep the others from being called", () => {
  const platform = new FakeClock();
  const clock = sharingTimers(platform);
  const called: string[] = [];
  clock.after(1_000, () => called.push("first"));
  clock.after(1_000, () => {
    throw new Error("a fault");
  });
  clock.after(1_000, () => called.push("last"));
  assertThrows(() => platform.advance(1_000), Error, "a fault");
  platform.advance(1);
  assertEquals(called, ["first", "last"]);
  assertEquals(platform.pending, 0);
});

test("shared timers: a callback that cancels all others and starts one leaves one timer of the platform", () => {
  const platform = new FakeClock();
  const clock = sharingTimers(platform);
  const called: number[] = [];
  clock.after(1_000, () => {
    later();
    clock.after(1_000, () => called.push(platform.now()));
  });
  platform.advance(500);
  const later = clock.after(1_000, () => called.push(-1));
  platform.advance(500);
  assertEquals(platform.pending, 1);
  platform.advance(1_000);
  assertEquals([called, platform.pending], [[2_000], 0]);
});

test("shared timers: each is called at the time at which a timer of its own would be", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const play = (make: (platform: FakeClock) => Clock): string[] => {
      const random = new Random(seed);
      const platform = new FakeClock();
      const clock = make(platform);
      const log: string[] = [];
      const cancels: (() => void)[] = [];
      const start = (name: string, timer: Random) => {
        const ms = [100, 100, 250, 1_000, 50][timer.below(5)]!;
        const goesOn = timer.oneIn(3);
        const cancel = clock.after(ms, () => {
          log.push(`${name} at ${platform.now()}`);
          cancel(); // it is over: that does nothing
          if (goesOn) start(`${name} again`, timer);
        });
        cancels.push(cancel);
      };
      for (let step = 0; step < 200; step++) {
        const what = random.below(3);
        if (what === 0) start(`${step}`, new Random(1_000 * seed + step));
        else if (what === 1 && random.oneIn(2)) cancels.splice(random.below(cancels.length), 1)[0]?.();
        else platform.advance(random.below(150));
      }
      platform.advance(10_000);
      assertEquals(platform.pending, 0);
      return log.sort();
    };
    const alone = play((platform) => platform);
    assert(alone.length > 20);
    assertEquals(play(sharingTimers), alone, `seed ${seed}`);
  }
});

test("shared timers: whoever keeps the cancel of a timer that is over keeps nothing of it, nor of later timers", async () => {
  const platform = new FakeClock();
  const clock = sharingTimers(platform);
  const before = await settledHeapBytes();
  const kept: (() => void)[] = [];
  const start = () => {
    const held = new Array(1_000).fill(0.5);
    return clock.after(1_000, () => void held.pop());
  };
  kept.push(start()); // fires
  let last = start();
  platform.advance(1_000);
  last = start();
  for (let i = 0; i < 10_000; i++) {
    const next = start();
    if (i % 100 === 0) kept.push(last);
    last(); // there is always one more, so the list is never empty
    last = next;
  }
  const grown = await settledHeapBytes() - before;
  assert(grown < 2_000_000, `${grown} bytes more for ${kept.length} timers that are over`);
  last();
});
