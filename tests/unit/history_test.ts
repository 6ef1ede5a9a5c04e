import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { TopicLog } from "../../hub/topics/topic_log.ts";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";

test("history: offsets count from 1, and a reader gets what came after the one it has", () => {
  const log = new TopicLog({ size: 3 }, new FakeClock());
  const [epoch, start] = log.position;
  assertEquals([start, log.empty], [0, true]);
  assertEquals(log.read({ since: { epoch, offset: 0 } }), { epoch, last: 0, complete: true, records: [] });
  for (const payload of ["a", "b", "c", "d"]) log.append(payload);
  assertEquals(log.position, [epoch, 4]);
  const offsets = (offset: number) => {
    const { complete, records } = log.read({ since: { epoch, offset } });
    return [complete, ...records.map((record) => record.offset)];
  };
  assertEquals(offsets(4), [true]);
  assertEquals(offsets(3), [true, 4]);
  assertEquals(offsets(1), [true, 2, 3, 4]);
  assertEquals(offsets(0), [false, 2, 3, 4], "the first message is gone");
  assertEquals(offsets(5), [false, 2, 3, 4], "that message has not been yet");
  assertEquals(offsets(Number.MAX_SAFE_INTEGER), [false, 2, 3, 4]);
});

test("history: nothing is complete across epochs", () => {
  const log = new TopicLog({ size: 3 }, new FakeClock());
  const before = log.append("a");
  log.renew();
  const { epoch } = log.append("b");
  assertNotEquals(epoch, before.epoch);
  assertEquals(log.read({ since: before }).complete, false);
  assertEquals(log.read({ since: { epoch, offset: 1 } }).records, [{ offset: 2, payload: "b" }]);
});

test("history: a log whose messages have all expired is empty, and goes on counting", () => {
  const clock = new FakeClock();
  const log = new TopicLog({ size: 3, ttlMs: 10 }, clock);
  const { epoch } = log.append("a");
  clock.advance(10);
  assertEquals([log.empty, log.read().records.length], [false, 1]);
  clock.advance(1);
  assertEquals([log.empty, log.read().records.length], [true, 0]);
  assertEquals(log.read({ since: { epoch, offset: 1 } }).complete, true);
  assertEquals(log.read({ since: { epoch, offset: 0 } }).complete, false);
  assertEquals(log.append("b").offset, 2);
});

test("history: a limit cuts the newest off, and no limit lets more out than there is", () => {
  const log = new TopicLog({ size: 4 }, new FakeClock());
  for (let i = 0; i < 6; i++) log.append(i);
  const offsets = (limit: number) => log.read({ limit }).records.map(({ offset }) => offset);
  assertEquals(offsets(2), [3, 4]);
  assertEquals(offsets(0), []);
  assertEquals(offsets(100), [3, 4, 5, 6]);
  assertEquals(offsets(-1), []);
  const short = new TopicLog({ size: 4 }, new FakeClock());
  for (let i = 0; i < 3; i++) short.append(i);
  assertEquals(short.read({ limit: -1 }).records, []);
});

type Step =
  | readonly ["append", number]
  | readonly ["advance", number]
  | readonly ["read", since: number | undefined, limit: number | undefined];

test("history: whatever happens, a log reads like a plain list of what was appended", () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant("append"), fc.nat()) as fc.Arbitrary<Step> },
    fc.tuple(fc.constant("advance"), fc.nat({ max: 30 })) as fc.Arbitrary<Step>,
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constant("read"),
        fc.option(fc.nat({ max: 50 }), { nil: undefined }),
        fc.option(fc.nat({ max: 8 }), { nil: undefined }),
      ) as fc.Arbitrary<Step>,
    },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      fc.array(step, { maxLength: 60 }),
      (size, ttlMs, steps) => {
        const clock = new FakeClock();
        const log = new TopicLog({ size, ttlMs }, clock);
        const all: { offset: number; payload: unknown; at: number }[] = [];
        const kept = () => all.slice(-size).filter(({ at }) => clock.now() - at <= (ttlMs ?? Infinity));
        const [epoch] = log.position;
        for (const [what, ...args] of steps) {
          if (what === "append") {
            all.push({ offset: all.length + 1, payload: args[0], at: clock.now() });
            assertEquals(log.append(args[0]), { epoch, offset: all.length });
          } else if (what === "advance") clock.advance(args[0]!);
          else if (what === "read") {
            const [offset, limit] = args;
            const page = log.read({ ...(offset !== undefined && { since: { epoch, offset } }), limit });
            const oldest = kept()[0]?.offset ?? all.length + 1;
            const complete = offset === undefined || (offset + 1 >= oldest && offset <= all.length);
            const expected = kept().filter((record) =>
              !complete || offset === undefined || record.offset > offset
            )
              .slice(0, limit).map(({ offset, payload }) => ({ offset, payload }));
            assertEquals(page, { epoch, last: all.length, complete, records: expected });
          }
          assertEquals(log.empty, kept().length === 0);
          assertEquals(log.position, [epoch, all.length]);
        }
      },
    ),
    runs(500),
  );
});

test("history: what was read is not changed by what comes later", () => {
  const log = new TopicLog({ size: 2 }, new FakeClock());
  log.append("a");
  const { records } = log.read();
  for (let i = 0; i < 10; i++) log.append(i);
  assertEquals(records, [{ offset: 1, payload: "a" }]);
  assert(log.read().records.length === 2);
});
