import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KeyedLimit, limits, RateLimiter } from "../../hub/session/limits.ts";
import { AWKWARD } from "../contract/arbitraries.ts";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";

const read = (given: unknown) => limits(given, { owner: "createHub", path: "limits" });

/** Takes many, as one frame does, and counts the verdicts. */
function takeAll(rate: RateLimiter, count: number): Record<string, number> {
  const verdicts: Record<string, number> = { ok: 0, refused: 0, flood: 0 };
  rate.refill(count);
  for (let i = 0; i < count; i++) verdicts[rate.take()]!++;
  return verdicts;
}

test("limits: every limit has a default, and a value that is not a number above zero is refused by name", () => {
  const resolved = read(undefined);
  for (const value of [...Object.values(resolved), ...Object.values(resolved.outbox)]) {
    assert(typeof value !== "number" || value > 0);
  }
  for (const value of [0, -1, NaN, 0.5]) {
    assertThrows(() => read({ maxFrameBytes: value }), RangeError, "limits.maxFrameBytes of createHub");
    assertThrows(() => read({ outbox: { maxMessages: value } }), RangeError, "limits.outbox.maxMessages");
  }
  assertEquals(read({ messagesPerSecond: Infinity }).messagesPerSecond, Infinity);
});

test("rate: the burst goes through at once, then as many as time has brought", () => {
  const clock = new FakeClock();
  const rate = new RateLimiter(clock, { messagesPerSecond: 10, messageBurst: 5 });
  assertEquals(takeAll(rate, 6), { ok: 5, refused: 1, flood: 0 });
  clock.advance(99);
  assertEquals(takeAll(rate, 1), { ok: 0, refused: 1, flood: 0 });
  clock.advance(1);
  assertEquals(takeAll(rate, 2), { ok: 1, refused: 1, flood: 0 });
  clock.advance(1_000_000); // no more than the burst is ever saved up
  assertEquals(takeAll(rate, 6), { ok: 5, refused: 1, flood: 0 });
});

test("rate: after an idle time the burst goes through once, not twice", () => {
  const clock = new FakeClock();
  const rate = new RateLimiter(clock, { messagesPerSecond: 10, messageBurst: 5 });
  assertEquals(takeAll(rate, 1), { ok: 1, refused: 0, flood: 0 });
  clock.advance(1_000_000);
  assertEquals(takeAll(rate, 4), { ok: 4, refused: 0, flood: 0 });
  assertEquals(takeAll(rate, 4), { ok: 1, refused: 3, flood: 0 });
});

test("rate: a charge above the available amount must be paid back before anything passes", () => {
  const clock = new FakeClock();
  const rate = new RateLimiter(clock, { messagesPerSecond: 10, messageBurst: 5 });
  rate.charge(10);
  assert(!rate.hasRoom);
  clock.advance(590);
  rate.refill(1);
  assert(!rate.hasRoom);
  clock.advance(10);
  rate.refill(1);
  assert(rate.hasRoom);
});

test("rate: a client that goes on for as long as the burst without a pause is a flood; one that pauses starts over", () => {
  const clock = new FakeClock();
  const rate = new RateLimiter(clock, { messagesPerSecond: 10, messageBurst: 5 });
  assertEquals(takeAll(rate, 10), { ok: 5, refused: 5, flood: 0 });
  assertEquals(takeAll(rate, 3), { ok: 0, refused: 0, flood: 3 });
  clock.advance(250); // half of the burst is back
  assertEquals(takeAll(rate, 7), { ok: 2, refused: 5, flood: 0 });
  assertEquals(rate.take(), "flood");
});

test("rate: no more passes than the burst and the amount of the elapsed time, however it is spread", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.tuple(fc.nat({ max: 100 }), fc.nat({ max: 40 })), { maxLength: 30, size: "max" }),
      (perSecond, burst, steps) => {
        const clock = new FakeClock();
        const rate = new RateLimiter(clock, { messagesPerSecond: perSecond, messageBurst: burst });
        let through = 0;
        for (const [ms, count] of steps) {
          clock.advance(ms);
          through += takeAll(rate, count).ok!;
          assert(through <= burst + clock.now() * perSecond / 1_000 + 1e-6);
        }
      },
    ),
    runs(),
  );
});

test("rate: a long burst is exact except for sixteen messages after an idle time, and the clock is read now and then", () => {
  const clock = new FakeClock();
  const now = clock.now.bind(clock);
  let looks = 0;
  clock.now = () => (looks++, now());
  const rate = new RateLimiter(clock, { messagesPerSecond: 500, messageBurst: 1_000 });
  for (let i = 0; i < 640; i++) takeAll(rate, 1);
  assert(looks <= 1 + 640 / 15, `${looks} looks`);
  assertEquals(takeAll(rate, 361), { ok: 360, refused: 1, flood: 0 });
  for (let before = 0; before < 40; before++) {
    for (const atOnce of [1, 7, 2_000]) {
      clock.advance(1_000_000);
      for (let i = 0; i < before; i++) takeAll(rate, 1);
      clock.advance(1_000_000);
      let through = 0;
      for (let asked = 0; asked < 1_100; asked += atOnce) through += takeAll(rate, atOnce).ok!;
      assert(through >= 1_000 && through <= 1_016, `${through} after ${before}`);
    }
  }
});

test("rate: a limit that is switched off lets everything through, even when the clock stands still", () => {
  for (const [perSecond, burst] of [[Infinity, 5], [10, Infinity], [Infinity, Infinity]] as const) {
    const clock = new FakeClock();
    const rate = new RateLimiter(clock, { messagesPerSecond: perSecond, messageBurst: burst });
    assertEquals(takeAll(rate, 1_000), { ok: 1_000, refused: 0, flood: 0 }, `${perSecond} with ${burst}`);
    clock.advance(1);
    assertEquals(takeAll(rate, 1_000), { ok: 1_000, refused: 0, flood: 0 }, `${perSecond} with ${burst}`);
  }
});

test("keyed limit: counts each key by itself, and forgets a key with its last", () => {
  const limit = new KeyedLimit(2);
  for (const key of AWKWARD) {
    assertEquals([limit.enter(key), limit.enter(key)], [true, true]);
    assertEquals([limit.hasRoom(key), limit.enter(key), limit.size], [false, false, 1]);
    limit.leave(key);
    assertEquals([limit.hasRoom(key), limit.size], [true, 1]);
    limit.leave(key);
    assertEquals(limit.size, 0);
  }
  assertEquals(limit.enter(undefined), true);
  limit.leave(undefined);
  assertEquals(limit.size, 0);
});

test("keyed limit: in any order the counts are those of a naive count", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.tuple(fc.boolean(), fc.constantFrom("a", "b", "__proto__"), fc.nat())),
      (max, steps) => {
        const limit = new KeyedLimit(max);
        const inside: string[] = [];
        const count = (key: string) => inside.filter((entry) => entry === key).length;
        for (const [enter, key, n] of steps) {
          if (enter) {
            const room = count(key) < max;
            assertEquals(limit.enter(key), room);
            if (room) inside.push(key);
          } else if (inside.length > 0) {
            limit.leave(inside.splice(n % inside.length, 1)[0]);
          }
          assertEquals(limit.size, new Set(inside).size);
          assertEquals(limit.hasRoom(key), count(key) < max);
        }
      },
    ),
    runs(),
  );
});
