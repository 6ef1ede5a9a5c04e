import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub";
import fc from "fast-check";
import { HistoryLog } from "../../adapters/memory_history/log.ts";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";

const FOREVER = { size: 3, ttlMs: Infinity };

/** A log at the start of its epoch "e". */
const newLog = (clock = new FakeClock()) => new HistoryLog(["e", 0], clock);

test("history log: offsets count from 1, and a reader gets the messages after its own position", () => {
  const log = newLog();
  assertEquals([log.last, log.empty], [0, true]);
  assertEquals(log.read({ since: ["e", 0] }), { position: ["e", 0], complete: true, records: [] });
  for (const data of ["a", "b", "c", "d"]) log.append(data, FOREVER);
  const offsets = (since: number) => {
    const { position, complete, records } = log.read({ since: ["e", since] });
    assertEquals(position, ["e", 4]);
    return [complete, ...records.map(({ offset }) => offset)];
  };
  assertEquals(offsets(4), [true]);
  assertEquals(offsets(3), [true, 4]);
  assertEquals(offsets(1), [true, 2, 3, 4]);
  assertEquals(offsets(0), [false, 2, 3, 4], "the first message is gone");
  assertEquals(offsets(5), [false, 2, 3, 4], "that message has not been yet");
  assertEquals(offsets(Number.MAX_SAFE_INTEGER), [false, 2, 3, 4]);
  assertEquals(log.read({ since: ["other", 3] }).complete, false);
});

test("history log: expired messages are gone, and the count goes on", () => {
  const clock = new FakeClock();
  const log = newLog(clock);
  const short = { size: 3, ttlMs: 10 };
  log.append("a", short);
  clock.advance(10);
  assertEquals(log.read().records.length, 1);
  clock.advance(1);
  assertEquals([log.read().records.length, log.empty, log.bytes], [0, true, 0]);
  assertEquals([log.read({ since: ["e", 1] }).complete, log.read({ since: ["e", 0] }).complete], [
    true,
    false,
  ]);
  assertEquals(log.append("b", short), 2);
});

test("history log: a limit cuts off at the far end, and no limit lets more out than there is", () => {
  const log = newLog();
  for (let i = 0; i < 6; i++) log.append(String(i), { ...FOREVER, size: 4 });
  const offsets = (limit: number, reverse = false, since?: number) =>
    log.read({ limit, reverse, since: since === undefined ? undefined : ["e", since] })
      .records.map(({ offset }) => offset);
  assertEquals([offsets(2), offsets(0), offsets(100), offsets(-1)], [[3, 4], [], [3, 4, 5, 6], []]);
  assertEquals([offsets(2, true), offsets(9, true), offsets(0, true)], [[6, 5], [6, 5, 4, 3], []]);
  assertEquals([offsets(2, true, 3), offsets(2, true, 5), offsets(2, false, 3)], [[6, 5], [6], [4, 5]]);
});

test("history log: a key is known as long as its message, and counts for its size", () => {
  const clock = new FakeClock();
  const log = newLog(clock);
  const append = (data: string, idempotencyKey?: string) =>
    log.append(data, { size: 2, ttlMs: 10, idempotencyKey });
  assertEquals([append("a", "k"), append("b", "k"), append("c"), append("d", "k")], [1, 1, 2, 1]);
  assertEquals(log.read().records.map(({ data }) => data), ["a", "c"]);
  append("e"); // pushes the first out
  assertEquals(append("f", "k"), 4);
  clock.advance(11);
  assertEquals([append("g", "k"), log.read().records.length], [5, 1]);
});

test("history log: sizes are bytes of UTF-8", () => {
  for (const data of ["", "abc", "äöü", "€", "𝄞𝄞", "\ud800x"]) {
    const [log, empty] = [newLog(), newLog()];
    log.append(data, FOREVER);
    empty.append("", FOREVER);
    assertEquals(log.bytes - empty.bytes, new TextEncoder().encode(data).length, JSON.stringify(data));
  }
});

type Step =
  | readonly ["append", number]
  | readonly ["advance", number]
  | readonly ["read", since: number | undefined, limit: number | undefined, reverse: boolean];

test("history log: after any operations, it reads like a plain list of the appended messages", () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant("append"), fc.nat()) as fc.Arbitrary<Step> },
    fc.tuple(fc.constant("advance"), fc.nat({ max: 30 })) as fc.Arbitrary<Step>,
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constant("read"),
        fc.option(fc.nat({ max: 50 }), { nil: undefined }),
        fc.option(fc.nat({ max: 8 }), { nil: undefined }),
        fc.boolean(),
      ) as fc.Arbitrary<Step>,
    },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.integer({ min: 1, max: 60 }), { nil: Infinity }),
      fc.array(step, { maxLength: 60, size: "max" }),
      (size, ttlMs, steps) => {
        const clock = new FakeClock();
        const log = newLog(clock);
        const all: { offset: number; data: string; at: number }[] = [];
        const kept = () => all.slice(-size).filter(({ at }) => clock.now() - at <= ttlMs);
        for (const step of steps) {
          if (step[0] === "append") {
            const data = String(step[1]);
            all.push({ offset: all.length + 1, data, at: clock.now() });
            assertEquals(log.append(data, { size, ttlMs }), all.length);
          } else if (step[0] === "advance") clock.advance(step[1]);
          else {
            const [, offset, limit, reverse] = step;
            const since = offset === undefined ? undefined : ["e", offset] as const;
            const page = log.read({ since, limit, reverse });
            const oldest = kept()[0]?.offset ?? all.length + 1;
            const complete = offset === undefined || (offset + 1 >= oldest && offset <= all.length);
            const after = kept().filter((record) =>
              !complete || offset === undefined || record.offset > offset
            );
            if (reverse) after.reverse();
            const expected = after.slice(0, limit).map(({ offset, data }) => [offset, data]);
            assertEquals(page.records.map(({ offset, data }) => [offset, data]), expected);
            assertEquals([page.position, page.complete], [["e", all.length], complete]);
          }
        }
      },
    ),
    runs(500),
  );
});

test("history log: a page that was read is not changed by later messages", () => {
  const log = newLog();
  log.append("a", FOREVER);
  const { records } = log.read();
  for (let i = 0; i < 10; i++) log.append(String(i), FOREVER);
  assertEquals(records.map(({ offset, data }) => [offset, data]), [[1, "a"]]);
  assert(log.read().records.length === 3);
});

test("memory history: brief channels leave no position behind when they have expired, however many there were", () => {
  const clock = new FakeClock();
  const history = createMemoryHistory({ clock, maxChannels: 2 });
  const untouched = history.read("untouched").position;
  const brief = { size: 3, ttlMs: 10, brief: true };
  let [epoch, offset] = history.append("once", "x", brief);
  for (let i = 0; i < 100; i++) {
    history.append(`once${i}`, "x", brief);
    clock.advance(11);
    history.sweep();
  }
  assertEquals([history.channels, history.read("untouched").position], [0, untouched]);
  const before = epoch;
  [epoch, offset] = history.append("once", "y", brief);
  assertEquals([epoch === before, offset], [false, 1]);
});
