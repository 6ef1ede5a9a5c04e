import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HubError } from "../../contract/mod.ts";
import { Group } from "../../hub/groups/group.ts";
import { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { pushToSome } from "../../hub/outbox/tape.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";
import { numbered } from "./counting_codec.ts";
import { type FakeConnection, NumberedRecord, TapeScene } from "./tape_scene.ts";

const numbers = (messages: unknown[]): unknown[] => messages.map((message) => (message as unknown[])[2]);

test("tape: members that are sent nothing else share every frame, joined once", () => {
  const scene = new TapeScene({ maxFrameMessages: 4 });
  const group = new Group();
  const conns = Array.from({ length: 100 }, () => scene.connect());
  for (const conn of conns) group.add(conn);
  scene.codec.joined = 0;
  for (let i = 0; i < 10; i++) group.deliver(numbered(i));
  for (const conn of conns) assertEquals(numbers(conn.got), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(scene.codec.joined, 3);
  for (const { frames } of conns) assertStrictEquals(frames[0], conns[0]!.frames[0]);
});

test("tape: a member that gets another message in a turn has everything in the order of sending", () => {
  const scene = new TapeScene();
  const [a, b] = [new Group(), new Group()];
  const [one, two, three] = [scene.connect(), scene.connect(), scene.connect()];
  for (const conn of [one, two, three]) a.add(conn);
  b.add(two);
  a.deliver(numbered(1));
  one.outbox.push(numbered(2));
  b.deliver(numbered(3));
  a.deliver(numbered(4), { except: three });
  a.deliver(numbered(5));
  assertEquals([one, two, three].map((conn) => numbers(conn.got)), [[1, 2, 4, 5], [1, 3, 4, 5], [1, 5]]);
});

test("tape: a member that leaves or closes within a turn gets the messages sent before, or nothing", () => {
  const scene = new TapeScene();
  const group = new Group();
  const [stays, leaves, closes, flushes, joins] = Array.from({ length: 5 }, () => scene.connect());
  for (const conn of [stays, leaves, closes, flushes]) group.add(conn!);
  group.deliver(numbered(1));
  group.delete(leaves!);
  closes!.outbox.close();
  flushes!.outbox.flush();
  assertEquals(flushes!.frames.length, 1, "a flush does not wait for the end of the turn");
  group.add(joins!);
  group.deliver(numbered(2));
  const got = [stays, leaves, closes, flushes, joins].map((conn) => numbers(conn!.got));
  assertEquals(got, [[1, 2], [1], [], [1, 2], [2]]);
});

test("tape: members that leave, come back and are parted from the others within a turn still get everything", () => {
  const scene = new TapeScene();
  const group = new Group();
  const conns = Array.from({ length: 12 }, () => scene.connect());
  for (const conn of conns) group.add(conn);
  const some = conns.slice(0, 8);
  const expected: number[] = [];
  for (let n = 0; n < 24; n += 4) {
    for (let i = n; i < n + 4; i++) {
      group.deliver(numbered(i));
      expected.push(i);
      if (i % 4 === 1) { for (const { outbox } of some) outbox.flush(); }
      if (i % 4 !== 3) continue;
      for (const conn of some) group.delete(conn);
      for (const conn of some) group.add(conn);
    }
  }
  for (const conn of conns) assertEquals(numbers(conn.got), expected);
});

test("tape: an event reaches the members whose role has it, in rooms of one role and of many", () => {
  const scene = new TapeScene();
  const group = new Group();
  const [has, hasNot] = [scene.connect("e"), scene.connect("f")];
  group.add(hasNot);
  group.deliver(numbered(1), { event: "e" });
  group.add(has);
  group.deliver(numbered(2), { event: "e" });
  group.deliver(numbered(3), { event: "e", except: has });
  group.deliver(numbered(4));
  group.delete(hasNot);
  group.deliver(numbered(5), { event: "e" });
  assertEquals([has, hasNot].map((conn) => numbers(conn.got)), [[2, 4, 5], [4]]);
});

test("tape: a message that cannot be encoded changes nothing", () => {
  const scene = new TapeScene();
  const group = new Group();
  const [one, two] = [scene.connect(), scene.connect()];
  for (const conn of [one, two]) group.add(conn);
  group.deliver(numbered(1));
  two.outbox.push(numbered(2));
  const bad = new OutgoingMessage(["ev", "n", { toJSON: () => 1n }]);
  assertThrows(() => group.deliver(bad, { except: one }), HubError);
  group.deliver(numbered(3));
  assertEquals([one, two].map((conn) => numbers(conn.got)), [[1, 3], [1, 2, 3]]);
});

/** The events of seven connections in four groups. */
const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom("deliver", "event", "record", "spread"),
      g: fc.nat(3),
      c: fc.nat(7),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("push", "flush", "close", "own", "reply", "done"),
      g: fc.nat(3),
      c: fc.nat(6),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom("add", "add", "delete"), g: fc.nat(3), c: fc.nat(6) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end"), g: fc.nat(3), c: fc.nat(6) }) },
);

test("tape: whatever happens in whatever order, every member gets each message once, in order (promises 2, 3)", () => {
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 80, size: "max" }),
      fc.integer({ min: 1, max: 6 }),
      (actions, maxFrameMessages) => {
        const scene = new TapeScene({ maxFrameMessages });
        const groups = Array.from({ length: 4 }, () => new Group());
        const conns = Array.from({ length: 7 }, (_, i) => scene.connect(...i % 2 === 0 ? ["e"] : ["f"]));
        const hears = (i: number) => i % 2 === 0;
        const recovers = (i: number) => i > 2;
        for (const [i, conn] of conns.entries()) (conn as FakeConnection).recovers = recovers(i);
        const expected: number[][] = conns.map(() => []);
        const closed = new Set<number>();
        for (const [n, { do: what, g, c }] of actions.entries()) {
          const group = groups[g]!;
          const conn = conns[c];
          const expect = (takes: (index: number) => boolean, message = n) => {
            for (const [i, member] of conns.entries()) {
              if (group.has(member) && !closed.has(i) && takes(i)) expected[i]!.push(message);
            }
          };
          if (what === "deliver") {
            expect((i) => i !== c);
            group.deliver(numbered(n), { except: conn });
          } else if (what === "event") {
            expect((i) => i !== c && hears(i));
            group.deliver(numbered(n), { except: conn, event: "e" });
          } else if (what === "record") {
            expect((i) => i !== c && hears(i));
            expect((i) => (i === c || !hears(i)) && recovers(i), -n);
            group.deliverRecord(new NumberedRecord(n), conn);
          } else if (what === "spread") { // to two groups, as a broadcast to several rooms
            const some = conns.filter((member) => group.has(member) || groups[(g + 1) % 4]!.has(member));
            for (const member of some) {
              const i = conns.indexOf(member);
              if (i !== c && !closed.has(i)) expected[i]!.push(n);
            }
            pushToSome(numbered(n), some.map(({ outbox }) => outbox), scene.turn, conn?.outbox);
          } else if (what === "push") {
            if (!closed.has(c)) expected[c]!.push(n);
            conn!.outbox.push(numbered(n));
          } else if (what === "own") {
            if (!closed.has(c)) expected[c]!.push(n);
            conn!.outbox.pushOwn(numbered(n));
          } else if (what === "reply") conn!.outbox.beginReply();
          else if (what === "done") conn!.outbox.endReply();
          else if (what === "close") {
            conn!.outbox.endReply();
            scene.endTurn(); // what a close throws away is another test's concern
            conn!.outbox.close();
            closed.add(c);
          } else if (what === "flush") conn!.outbox.flush();
          else if (what === "end") scene.endTurn();
          else group[what as "add" | "delete"](conn!);
        }
        for (const { outbox } of conns) outbox.endReply();
        assertEquals(conns.map((conn) => numbers(conn.got)), expected);
      },
    ),
    runs(2_000),
  );
});
