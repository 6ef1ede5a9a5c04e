import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HubError } from "../../contract/mod.ts";
import { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";
import { numbered } from "./counting_codec.ts";
import { outboxScene as scene } from "./outbox_scene.ts";

test("outbox: messages that are pushed in one turn leave in one frame at its end, in order", () => {
  const { outbox, endTurn, ends } = scene();
  const one = outbox();
  for (let i = 0; i < 5; i++) one.outbox.push(numbered(i));
  assertEquals([one.sent(), ends.length], [[], 1]);
  endTurn();
  assertEquals(one.sent(), [[0, 1, 2, 3, 4]]);
  endTurn();
  one.outbox.push(numbered(5));
  endTurn();
  assertEquals(one.sent(), [[0, 1, 2, 3, 4], [5]]);
});

test("outbox: connections that were sent the same share one frame, encoded and joined once", () => {
  const { outbox, endTurn, codec } = scene({ maxFrameMessages: 3 });
  const all = Array.from({ length: 50 }, () => outbox());
  const messages = Array.from({ length: 7 }, (_, i) => numbered(i));
  [codec.encoded, codec.joined] = [0, 0];
  for (const message of messages) for (const { outbox } of all) outbox.push(message);
  endTurn();
  assertEquals([codec.encoded, codec.joined], [7, 3]);
  for (const { link, sent } of all) {
    assertEquals(sent(), [[0, 1, 2], [3, 4, 5], [6]]);
    for (const [i, frame] of link.frames.entries()) assertStrictEquals(frame, all[0]!.link.frames[i]);
  }
});

test("outbox: equal sequences share one frame, in whatever order their connections come", () => {
  const { outbox, endTurn, codec } = scene();
  const all = Array.from({ length: 60 }, () => outbox());
  const messages = Array.from({ length: 4 }, (_, i) => numbered(i));
  codec.joined = 0;
  // Six different sequences of two, over and over.
  for (const [i, { outbox }] of all.entries()) {
    outbox.push(messages[i % 3]!);
    outbox.push(messages[i % 2 + 2]!);
  }
  endTurn();
  assertEquals(codec.joined, 6);
  for (const [i, { link }] of all.entries()) assertStrictEquals(link.frames[0], all[i % 6]!.link.frames[0]);
});

test("outbox: sequences that differ in order or in one message have frames of their own", () => {
  const { outbox, endTurn } = scene();
  const [a, b] = [numbered(1), numbered(2)];
  const all = [[a, b], [b, a], [a], [b], [a, a], [a, b, a]].map((messages) => {
    const end = outbox();
    for (const message of messages) end.outbox.push(message);
    return end;
  });
  endTurn();
  assertEquals(all.map(({ sent }) => sent()), [[[1, 2]], [[2, 1]], [[1]], [[2]], [[1, 1]], [[1, 2, 1]]]);
});

test("outbox: a frame leaves within the turn when it is full, by count or by size", () => {
  const full = scene({ maxFrameMessages: 2 });
  const one = full.outbox();
  for (let i = 0; i < 5; i++) one.outbox.push(numbered(i));
  assertEquals(one.sent(), [[0, 1], [2, 3]]);
  full.endTurn();
  assertEquals(one.sent(), [[0, 1], [2, 3], [4]]);

  const large = scene({ maxFrameLength: 100, highWaterBytes: Infinity });
  const two = large.outbox();
  for (let i = 0; i < 4; i++) two.outbox.push(numbered(i, undefined, "x".repeat(40)));
  assertEquals(two.sent(), [[0, 1], [2, 3]]);
  two.outbox.push(numbered(4, undefined, "x".repeat(1_000)));
  two.outbox.push(numbered(5));
  large.endTurn();
  assertEquals(two.sent(), [[0, 1], [2, 3], [4], [5]]);
});

test("outbox: nothing leaves a corked outbox; after uncorking, held messages follow those that go first", () => {
  const { outbox, endTurn } = scene();
  const one = outbox({ corked: true });
  for (let i = 0; i < 3; i++) one.outbox.push(numbered(i));
  endTurn();
  one.outbox.drained(); // not before it is uncorked
  assertEquals([one.sent(), one.outbox.held], [[], 3]);
  one.outbox.uncork(numbered(-1));
  assertEquals([one.sent(), one.outbox.held], [[[-1], [0, 1, 2]], 0]);
  one.outbox.push(numbered(3));
  endTurn();
  assertEquals(one.sent().flat(), [-1, 0, 1, 2, 3]);
});

test("outbox: above the high water mark messages are held, and leave when the link drains", () => {
  const { outbox, endTurn } = scene({ highWaterBytes: 20, maxFrameMessages: 2 });
  const one = outbox();
  one.outbox.push(numbered(0));
  one.outbox.push(numbered(1));
  for (let i = 2; i < 7; i++) one.outbox.push(numbered(i));
  endTurn();
  assertEquals([one.sent(), one.outbox.held], [[[0, 1]], 5]);
  one.outbox.drained(); // there is no room yet
  assertEquals(one.outbox.held, 5);
  one.drain();
  assertEquals([one.sent(), one.outbox.held], [[[0, 1], [2, 3]], 3]);
  one.outbox.push(numbered(7)); // behind those that are held
  endTurn();
  for (let i = 0; i < 2; i++) one.drain();
  assertEquals(one.sent().flat(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals(one.outbox.held, 0);
});

test("outbox: a burst beyond the bounds is forgiven when the link drains in time, and ends the connection else", () => {
  for (const drains of [true, false]) {
    const { outbox, endTurn, clock, overflows } = scene({ highWaterBytes: 1, maxMessages: 3 });
    const one = outbox();
    one.outbox.push(numbered(0));
    endTurn();
    for (let i = 1; i < 6; i++) {
      one.outbox.push(numbered(i));
      endTurn();
    }
    assertEquals([one.outbox.held, overflows.length], [5, 0]);
    for (let i = 1; drains && i < 6; i++) one.drain();
    clock.advance(10_000);
    assertEquals(overflows.length, drains ? 0 : 1);
    assertEquals([one.outbox.held, clock.pending], [0, 0]);
    one.outbox.push(numbered(6));
    endTurn();
    if (drains) one.drain();
    assertEquals(one.sent().flat(), drains ? [0, 1, 2, 3, 4, 5, 6] : [0]);
  }
});

test("outbox: a closed outbox sends nothing, holds nothing and waits for nothing", () => {
  const { outbox, endTurn, clock, overflows } = scene({ highWaterBytes: 1, maxMessages: 1 });
  const gathering = outbox();
  gathering.outbox.push(numbered(0));
  const holding = outbox();
  holding.outbox.push(numbered(0));
  endTurn();
  for (let i = 1; i < 4; i++) holding.outbox.push(numbered(i));
  endTurn();
  gathering.outbox.push(numbered(1));
  for (const { outbox } of [gathering, holding]) {
    outbox.close();
    outbox.push(numbered(9));
    outbox.uncork(numbered(9));
  }
  endTurn();
  for (const end of [gathering, holding]) {
    end.drain();
    assertEquals([end.sent().flat(), end.outbox.held], [[0], 0]);
  }
  clock.advance(10_000);
  assertEquals([clock.pending, overflows], [0, []]);
});

test("outbox: a message that cannot be encoded is refused to its sender, and takes no other message with it", () => {
  const { outbox, endTurn } = scene();
  const [one, two] = [outbox(), outbox({ corked: true })];
  for (const end of [one, two]) {
    end.outbox.push(numbered(0));
    assertThrows(() => end.outbox.push(new OutgoingMessage(["ev", "n", 1n])), HubError);
    end.outbox.push(numbered(1));
  }
  endTurn();
  two.outbox.uncork(numbered(-1));
  assertEquals([one.sent().flat(), two.sent().flat()], [[0, 1], [-1, 0, 1]]);
});

test("outbox: an outbox that is flushed early goes on gathering in the same turn, in order", () => {
  const { outbox, endTurn } = scene();
  const one = outbox();
  one.outbox.push(numbered(0));
  one.outbox.flush();
  one.outbox.push(numbered(1));
  endTurn();
  assertEquals(one.sent(), [[0], [1]]);
});

test("turn: an outbox that is written to while others are flushed sends in the next turn", () => {
  const { outbox, endTurn, ends } = scene();
  const [one, two] = [outbox(), outbox()];
  const { send } = one.link;
  one.link.send = (frame) => {
    send.call(one.link, frame);
    if (one.link.frames.length === 1) { for (const end of [one, two]) end.outbox.push(numbered(9)); }
  };
  one.outbox.push(numbered(0));
  two.outbox.push(numbered(1));
  endTurn();
  while (ends.length > 0) endTurn();
  assertEquals([one.sent().flat(), two.sent().flat()], [[0, 9], [1, 9]]);
});

test("outbox: an answer leaves with the end of the frame that asked, when nothing else is under way in this turn", () => {
  const { outbox, endTurn, ends } = scene();
  const one = outbox();
  one.outbox.beginReply();
  one.outbox.pushOwn(numbered(0));
  assertEquals([one.sent(), one.outbox.busy], [[], true]);
  one.outbox.endReply();
  assertEquals([one.sent(), one.outbox.busy, ends.length], [[[0]], false, 0]);
  one.outbox.pushOwn(numbered(1)); // of a handler that took its time
  assertEquals([one.sent(), ends.length], [[[0]], 1]);
  endTurn();
  assertEquals(one.sent(), [[0], [1]]);
});

test("outbox: answers leave with the turn when there are several, or others gather, or the link is slow", () => {
  const { outbox, endTurn } = scene({ highWaterBytes: 30 });
  const [one, two] = [outbox(), outbox()];
  const answer = (...messages: number[]) => {
    one.outbox.beginReply();
    for (const n of messages) one.outbox.pushOwn(numbered(n));
    one.outbox.endReply();
  };
  answer(0, 1);
  assertEquals(one.sent(), []);
  endTurn();
  two.outbox.push(numbered(9));
  answer(2);
  answer(3);
  assertEquals(one.sent(), [[0, 1]]);
  endTurn();
  assertEquals(one.sent(), [[0, 1], [2, 3]]);
  answer(4);
  assertEquals([one.sent().length, one.outbox.held], [2, 0]);
  endTurn();
  assertEquals([one.sent().length, one.outbox.held], [2, 1]);
  one.drain();
  assertEquals(one.sent().flat(), [0, 1, 2, 3, 4]);
});

test("outbox: an answer that cannot be encoded is refused to its sender, and one to a closed outbox does nothing", () => {
  const { outbox, ends } = scene();
  const one = outbox();
  one.outbox.beginReply();
  assertThrows(() => one.outbox.pushOwn(new OutgoingMessage(["ev", "n", 1n])), HubError);
  one.outbox.pushOwn(numbered(0));
  one.outbox.flush(); // as a close does, so that what was said before arrives before
  assertEquals(one.sent(), [[0]]);
  one.outbox.close();
  one.outbox.pushOwn(numbered(1));
  one.outbox.endReply();
  for (const end of ends) end();
  assertEquals(one.sent(), [[0]]);
});

type Step = readonly [
  what: "own" | "reply" | "done" | "push" | "all" | "end" | "drain" | "some" | "flush" | "uncork" | "greet",
  which: number,
];

test("outbox: in any order of pushes, turns and drains everything arrives once and in order", () => {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom<Step[0]>(
      ...[
        "push",
        "push",
        "push",
        "all",
        "all",
        "end",
        "end",
        "drain",
        "some",
        "flush",
        "uncork",
        "greet",
      ] as const,
      ...["own", "own", "reply", "reply", "done", "done"] as const,
    ),
    fc.nat({ max: 20 }),
  );
  const limits = fc.record({
    maxFrameMessages: fc.integer({ min: 1, max: 4 }),
    maxFrameLength: fc.integer({ min: 1, max: 60 }),
    highWaterBytes: fc.integer({ min: 1, max: 120 }),
  });
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 80, size: "max" }), (given, steps) => {
      const { outbox, endTurn, clock, ends, overflows } = scene(given);
      const all = Array.from(
        { length: 3 },
        () => ({ ...outbox({ corked: true }), corked: true, expected: [] as number[] }),
      );
      let n = 0;
      const uncork = (end: (typeof all)[number], answers = false) => {
        if (end.corked) end.outbox.uncork(numbered(-1), answers);
        if (end.corked) end.expected.unshift(-1);
        end.corked = false;
      };
      for (const [what, which] of steps) {
        const end = all[which % all.length]!;
        const targets = what === "all" ? all : [end];
        if (what === "push" || what === "all") {
          const message = numbered(n, undefined, "x".repeat(which));
          for (const { outbox, expected } of targets) {
            outbox.push(message);
            expected.push(n);
          }
          n++;
        } else if (what === "own") {
          end.outbox.pushOwn(numbered(n));
          end.expected.push(n++);
        } else if (what === "reply") end.outbox.beginReply();
        else if (what === "done") end.outbox.endReply();
        else if (what === "end") endTurn();
        else if (what === "drain") end.drain();
        else if (what === "some") {
          end.link.bufferedAmount = Math.max(0, end.link.bufferedAmount - which);
          end.outbox.drained();
        } else if (what === "flush") end.outbox.flush();
        else uncork(end, what === "greet");
      }
      for (const end of all) {
        uncork(end);
        end.outbox.endReply();
      }
      for (let rounds = 0; all.some(({ outbox }) => outbox.held > 0) || ends.length > 0; rounds++) {
        assert(rounds < 1_000, "something is never sent");
        endTurn();
        for (const end of all) end.drain();
      }
      for (const { sent, expected, outbox } of all) {
        assertEquals(sent().flat(), expected);
        assertEquals([outbox.held, outbox.dropped], [0, 0]);
        for (const frame of sent()) assert(frame.length <= given.maxFrameMessages);
      }
      assertEquals([clock.pending, overflows.length], [0, 0]);
    }),
    runs(500),
  );
});
