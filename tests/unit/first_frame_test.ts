import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { test } from "../harness.ts";
import { numbered } from "./counting_codec.ts";
import { outboxScene as scene } from "./outbox_scene.ts";

test("outbox: answers to the hello share the frame of the first message, which waits for no turn", () => {
  const { outbox, endTurn, ends } = scene();
  const one = outbox({ corked: true });
  one.outbox.uncork(numbered(-1), true);
  for (let i = 0; i < 3; i++) one.outbox.pushOwn(numbered(i));
  assertEquals(one.sent(), []);
  one.outbox.endReply();
  assertEquals([one.sent(), ends.length], [[[-1, 0, 1, 2]], 0]);
  one.outbox.pushOwn(numbered(3));
  endTurn();
  assertEquals(one.sent(), [[-1, 0, 1, 2], [3]]);
});

test("outbox: a message to many that comes between answers to the hello stays between them", () => {
  const { outbox, endTurn } = scene();
  const [one, two] = [outbox({ corked: true }), outbox()];
  one.outbox.uncork(numbered(-1), true);
  one.outbox.pushOwn(numbered(0));
  const toAll = numbered(1);
  for (const { outbox } of [one, two]) outbox.push(toAll);
  one.outbox.pushOwn(numbered(2));
  one.outbox.endReply();
  endTurn();
  assertEquals([one.sent(), two.sent()], [[[-1, 0, 1, 2]], [[1]]]);
});

test("outbox: what waited before the first message comes after it, and before the answers to the hello", () => {
  const { outbox, endTurn } = scene();
  for (const turns of [0, 1]) {
    const one = outbox({ corked: true });
    one.outbox.pushOwn(numbered(0));
    if (turns > 0) endTurn();
    one.outbox.uncork(numbered(-1), true);
    one.outbox.pushOwn(numbered(1));
    one.outbox.endReply();
    endTurn();
    assertEquals(one.sent().flat(), [-1, 0, 1]);
  }
});

test("outbox: many answers to the hello leave in frames that keep to the limit", () => {
  const { outbox, endTurn } = scene({ maxFrameMessages: 50, highWaterBytes: Infinity });
  const one = outbox({ corked: true });
  one.outbox.uncork(numbered(-1), true);
  for (let i = 0; i < 120; i++) one.outbox.pushOwn(numbered(i));
  one.outbox.endReply();
  endTurn();
  assertEquals(one.sent().map(({ length }) => length), [50, 50, 21]);
  assertEquals(one.sent().flat(), Array.from({ length: 121 }, (_, i) => i - 1));
});

test("outbox: a connection that is closed while the answers to its hello are gathered is sent the first message", () => {
  const { outbox, ends } = scene();
  const one = outbox({ corked: true });
  one.outbox.uncork(numbered(-1), true);
  one.outbox.pushOwn(numbered(0));
  one.outbox.flush(); // as `Connection.shut` does
  one.outbox.close();
  one.outbox.endReply();
  for (const end of ends) end();
  assertEquals(one.sent(), [[-1, 0]]);
});

test("outbox: the first frame keeps to the length of a frame, and what follows it to the limits of a slow reader", () => {
  const { outbox, endTurn } = scene({
    maxFrameLength: 1_000,
    highWaterBytes: 2_000,
    maxBytes: 3_000,
  });
  const large = (n: number) => numbered(n, undefined, "-".repeat(400));
  const one = outbox({ corked: true });
  one.outbox.uncork(numbered(-1), true);
  for (let n = 0; n < 3; n++) one.outbox.pushOwn(large(n));
  one.outbox.endReply();
  endTurn();
  assertEquals(one.sent().flat(), [-1, 0, 1, 2]);
  for (const frame of one.link.frames) assertLess(frame.length, 1_500);
  const slow = outbox({ corked: true });
  slow.outbox.uncork(numbered(-1), true);
  for (let n = 0; n < 20; n++) slow.outbox.pushOwn(large(n));
  slow.outbox.endReply();
  endTurn();
  assertGreater(slow.outbox.held, 10); // where the limits count
});
