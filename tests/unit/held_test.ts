import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { HoldQueue, type HoldQueueLimits } from "../../hub/outbox/hold_queue.ts";
import type { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import type { Sequence } from "../../hub/outbox/sequence.ts";
import { Turn } from "../../hub/outbox/turn.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";
import { settledHeapBytes } from "../soak/heap.ts";
import { CountingCodec, numbered, sequenceOf } from "./counting_codec.ts";

const codec = new CountingCodec();
const LOOSE: HoldQueueLimits = { maxMessages: 100, maxBytes: 100_000, policy: "close" };
const droppable = { droppable: true };
const latest = (conflateKey: string) => ({ droppable: true, conflateKey });

function scene(limits: Partial<HoldQueueLimits> = {}) {
  const held = new HoldQueue(codec, { ...LOOSE, ...limits });
  /** Holds messages that were gathered in one turn. */
  const add = (...messages: OutgoingMessage[]) => held.add(sequenceOf(codec, messages));
  /** Takes the oldest frame out, as the numbers in it. */
  const shift = (maxMessages = Infinity, maxBytes = Infinity) => {
    const frame = held.shift(maxMessages, maxBytes);
    return frame && codec.decode(frame).map((message) => (message as unknown[])[2]);
  };
  const drain = (maxMessages?: number) => {
    const taken: unknown[] = [];
    for (let frame = shift(maxMessages); frame; frame = shift(maxMessages)) taken.push(...frame);
    return taken;
  };
  return { held, add, shift, drain };
}

test("held: messages that were gathered together leave together, in the frame that others share", () => {
  const { held } = scene();
  const [one, two] = [sequenceOf(codec, [numbered(0), numbered(1)]), sequenceOf(codec, [numbered(2)])];
  held.add(one);
  held.add(two);
  assertEquals([held.size, held.exceeded, held.dropped], [3, false, 0]);
  assertStrictEquals(held.shift(1, 1), one.frame());
  assertStrictEquals(held.shift(1, 1), two.frame());
  assertEquals([held.size, held.shift(1, 1)], [0, undefined]);
});

test("held: a later message of a key takes the earlier one's place at the end, and keeps order among the others", () => {
  const { held, add, drain } = scene();
  add(numbered(0), numbered(1, latest("a")));
  add(numbered(2), numbered(3, latest("b")), numbered(4, latest("a")));
  add(numbered(5));
  add(numbered(6, latest("b")), numbered(7, latest("a")));
  assertEquals([held.size, held.dropped], [5, 3]);
  assertEquals(drain(), [0, 2, 5, 6, 7]);
  add(numbered(8, latest("a"))); // what has left is conflated with nothing
  assertEquals([held.dropped, drain()], [3, [8]]);
});

test("held: of keys that all change faster than the client reads, each has its turn, with at most two messages of it", () => {
  const { held, add, shift } = scene();
  const sent = new Map<number, number[]>();
  const round = (n: number) =>
    add(...Array.from({ length: 10 }, (_, key) => numbered(n * 10 + key, latest(`${key}`))));
  round(0);
  for (let n = 1; n <= 100; n++) {
    round(n);
    for (const one of shift(3) as number[]) sent.set(one % 10, [...sent.get(one % 10) ?? [], one]);
    assert(held.size <= 20);
  }
  for (let key = 0; key < 10; key++) {
    const all = sent.get(key) ?? [];
    assert(all.length >= 25 && all.length <= 35, `${all.length} of key ${key}`);
    assertEquals(all, all.toSorted((a, b) => a - b));
  }
});

test("held: earlier messages of keys give way before the connection has to close, those that have waited least first", () => {
  const { held, add, shift, drain } = scene({ maxMessages: 5 });
  const round = (n: number) => add(...["a", "b", "c", "d"].map((key, i) => numbered(n + i, latest(key))));
  round(0);
  assertEquals(shift(1), [0]);
  round(10);
  assertEquals([held.size, held.enforce(), held.size, held.dropped], [7, true, 5, 2]);
  assertEquals(drain(), [1, 10, 11, 12, 13]);
});

test("held: messages of one turn are conflated with each other, even when they are the first", () => {
  const { add, drain } = scene();
  add(numbered(0, latest("a")), numbered(1), numbered(2, latest("a")));
  assertEquals(drain(), [1, 2]);
});

test("held: keys that look like a prototype's own properties are just keys", () => {
  const { add, drain } = scene();
  for (const [n, key] of ["__proto__", "constructor", "", "__proto__", ""].entries()) {
    add(numbered(n, latest(key)));
  }
  assertEquals(drain(), [1, 3, 4]);
});

test("held: single messages leave in frames of bounded count and size", () => {
  const { add, shift } = scene();
  for (let n = 0; n < 9; n++) add(numbered(n, latest(String(n))));
  assertEquals(shift(2), [0, 1]);
  assertEquals(shift(Infinity, 1), [2]);
  assertEquals(shift(Infinity, '["ev","n",0]'.length + 1), [3, 4]);
  assertEquals(shift(), [5, 6, 7, 8]);
});

test("held: above its limits the oldest droppable messages are dropped, or nothing can be done", () => {
  for (const bound of [{ maxMessages: 3 }, { maxBytes: 3 * '["ev","n",0]'.length }]) {
    const { held, add, drain } = scene({ ...bound, policy: "drop" });
    add(numbered(0), numbered(1, droppable));
    add(numbered(2, droppable), numbered(3, droppable));
    assertEquals(held.exceeded, true);
    assertEquals([held.enforce(), held.exceeded, held.dropped], [true, false, 1]);
    add(numbered(4), numbered(5));
    assertEquals([held.enforce(), held.dropped], [true, 3]);
    add(numbered(6));
    assertEquals(held.enforce(), false, "nothing is left that may be dropped");
    assertEquals(drain(), [0, 4, 5, 6]);
    const closing = scene(bound);
    closing.add(...Array.from({ length: 4 }, (_, n) => numbered(n, droppable)));
    assertEquals([closing.held.enforce(), closing.held.dropped], [false, 0]);
  }
});

test("held: a queue that was emptied or cleared starts again with its whole room", () => {
  const { held, add, drain } = scene({ maxMessages: 2, policy: "drop" });
  for (const empty of [drain, () => held.clear()]) {
    add(numbered(0, latest("a")), numbered(1), numbered(2, droppable));
    assertEquals(held.exceeded, true);
    empty();
    assertEquals([held.size, held.exceeded, held.enforce()], [0, false, true]);
    add(numbered(3), numbered(4));
    assertEquals([held.enforce(), drain()], [true, [3, 4]]);
  }
});

interface Model {
  readonly n: number;
  readonly bytes: number;
  readonly key: string | undefined;
  readonly droppable: boolean;
  /** Whether a frame has left while it waited. */
  passed: boolean;
  /** Whether it stays although a newer message of its key waits. */
  kept: boolean;
}

test("held: after any operations, a queue behaves like a plain list with limits", () => {
  const message = fc.record({
    key: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined, freq: 3 }),
    droppable: fc.boolean(),
    padding: fc.nat({ max: 30 }),
  });
  const step = fc.record({
    what: fc.constantFrom("add", "add", "shift", "enforce", "clear"),
    messages: fc.array(message, { minLength: 1, maxLength: 3 }),
    few: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(
      fc.record({
        maxMessages: fc.integer({ min: 1, max: 8 }),
        maxBytes: fc.integer({ min: 20, max: 300 }),
        policy: fc.constantFrom("close", "drop"),
      }),
      fc.boolean(),
      fc.array(step, { maxLength: 60, size: "max" }),
      (limits, conflates, steps) => {
        const { held, add, shift, drain } = scene(limits);
        let list: Model[] = [];
        let [dropped, lastN] = [0, 0];
        const bytes = () => list.reduce((sum, message) => sum + message.bytes, 0);
        const exceeded = () => list.length > limits.maxMessages || bytes() > limits.maxBytes;
        const drop = (index: number) => {
          list.splice(index, 1);
          dropped++;
        };
        for (const { what, messages, few } of steps) {
          if (what === "add") {
            add(...messages.map(({ key: given, droppable, padding }) => {
              const key = conflates ? given : undefined;
              const outgoing = numbered(++lastN, { droppable, conflateKey: key }, "x".repeat(padding));
              const same = list.filter((message) => key !== undefined && message.key === key);
              if (same.length === 1 && same[0]!.passed) same[0]!.kept = true;
              else if (same.length > 0) drop(list.indexOf(same.at(-1)!));
              const bytes = outgoing.encoded(codec).length;
              list.push({ n: lastN, bytes, key, droppable, passed: false, kept: false });
              return outgoing;
            }));
          } else if (what === "shift") {
            const taken = shift(few) ?? [];
            assertEquals(taken.length > 0, list.length > 0);
            assertEquals(taken, list.splice(0, taken.length).map(({ n }) => n));
            for (const message of list) message.passed = true;
          } else if (what === "enforce") {
            let kept = true;
            while (exceeded() && kept) {
              const index = limits.policy === "drop"
                ? list.findIndex((message) => message.droppable)
                : list.findLastIndex((message) => message.kept);
              if (index < 0) kept = false;
              else drop(index);
            }
            assertEquals(held.enforce(), kept);
          } else if (few === 1) {
            held.clear();
            list = [];
          }
          assertEquals([held.size, held.dropped, held.exceeded], [list.length, dropped, exceeded()]);
        }
        assertEquals(drain(), list.map(({ n }) => n));
        assertEquals([held.size, held.exceeded], [0, false], "the bytes are not back at zero");
      },
    ),
    runs(500),
  );
});

test("held: thousands of messages conflated, dropped and sent in turn leave a queue that works", () => {
  const { held, add, shift, drain } = scene({ maxMessages: 500, maxBytes: Infinity, policy: "drop" });
  const list: number[] = [];
  const keys = new Map<string, number[]>();
  let passed = -1;
  for (let n = 0; n < 20_000; n++) {
    const key = n % 3 === 0 ? `k${n % 50}` : undefined;
    add(numbered(n, { droppable: true, conflateKey: key }));
    if (key !== undefined) {
      const same = (keys.get(key) ?? []).filter((one) => list.includes(one));
      if (same.length === 2 || (same.length === 1 && same[0]! > passed)) {
        list.splice(list.indexOf(same.pop()!), 1);
      }
      keys.set(key, [...same, n]);
    }
    list.push(n);
    if (n % 100 === 0) {
      assert(held.enforce());
      list.splice(0, Math.max(0, list.length - 500));
    }
    if (n % 7 !== 0) continue;
    assertEquals(shift(1), list.splice(0, 1));
    passed = n;
  }
  assertEquals(drain(3), list);
});

const passing = [
  ["whole", [numbered(0)]],
  ["one by one", [numbered(0, latest("a")), numbered(1, latest("b")), numbered(2, latest("c"))]],
] as const;

for (const [how, messages] of passing) {
  test(`held: a queue that never runs empty does not grow with the messages that pass through it, ${how}`, async () => {
    const { held } = scene();
    const sequences = messages.map((message) => sequenceOf(codec, [message]));
    let n = 0;
    const pass = (count: number) => {
      for (let i = 0; i < count; i++) {
        held.add(sequences[n++ % sequences.length]!);
        held.shift(1, 1);
      }
    };
    held.add(sequences[n++]!);
    pass(10_000);
    const before = await settledHeapBytes(1);
    pass(200_000);
    // A slot for each that has passed would take 1.6 MB.
    assert(await settledHeapBytes(1) - before < 2 ** 20);
    assertEquals([held.size, held.dropped], [1, 0]);
  });
}

const neighbours: Record<string, (turn: Turn, large: () => OutgoingMessage) => Sequence> = {
  "of connections with other messages": ({ root }, large) => {
    root.with(large());
    const sequence = root.with(numbered(0));
    root.followedByShared([large(), large()]);
    return sequence;
  },
  "of connections that got more": ({ root }, large) => {
    const sequence = root.with(numbered(0));
    sequence.with(large()).with(large());
    sequence.with(large());
    return sequence;
  },
};

for (const [whose, make] of Object.entries(neighbours)) {
  test(`held: a slow connection does not keep messages ${whose} in its turn`, async () => {
    const { held, drain } = scene();
    const large = () => numbered(0, undefined, crypto.randomUUID() + "x".repeat(10_000));
    const before = await settledHeapBytes(1);
    for (let i = 0; i < 500; i++) {
      const turn = new Turn(codec, { maxFrameMessages: 64, maxFrameLength: 1e9 }, { endOfTurn() {} });
      const sequence = make(turn, large);
      held.add(sequence);
      sequence.with(large()); // another connection may still go on from it
      sequence.followedByShared([large()]);
    }
    const kept = await settledHeapBytes(1) - before;
    assert(kept < 2 ** 20, `${kept} bytes`); // with them, more than 10 MB
    assertEquals(drain().length, 500);
  });
}

test("held: messages that are held are not taken for others with the same end", () => {
  const { held } = scene();
  const [first, again] = [numbered(0), numbered(1)];
  const start = sequenceOf(codec, [first]);
  held.add(start.followedByShared([first]));
  assertEquals(start.followedByShared([first, first]).messages(), [first, first, first]);
  assertEquals(start.followedByShared([first, again]).messages(), [first, first, again]);
});
