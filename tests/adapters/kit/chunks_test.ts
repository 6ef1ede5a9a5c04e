import { assert, assertEquals, assertThrows } from "@std/assert";
import type { AdapterData } from "../../../adapters/adapter.ts";
import { Chunks } from "../../../adapters/kit/chunks.ts";
import { utf8Size } from "../../../contract/values/utf8_size.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";
import { seededRandom } from "../../../conformance/check.ts";

const PART = 100;

/** A receiver, with its messages and its losses. */
function listener({ maxHeldBytes = 1_000_000 } = {}) {
  const clock = new FakeClock();
  const lost: string[] = [];
  const chunks = new Chunks({
    maxHeldBytes,
    clock,
    onLost: (name, { message }) => void lost.push(`${name}: ${message}`),
  });
  const hear = (parts: readonly AdapterData[], name = "news") =>
    parts.map((part) => chunks.join(name, part)).filter((whole) => whole !== undefined);
  return { clock, lost, chunks, hear };
}

const sender = () => listener().chunks;
const text = (length: number, of = "abcdefghij") => of.repeat(length).slice(0, length);

test("a message that fits into one part is sent and received unchanged", () => {
  const bytes = new Uint8Array(PART);
  for (
    const message of [
      "",
      "x",
      text(PART),
      bytes,
      "TP1",
      "TP1x.1.0.1:one of one",
      "TP1x.1.5.2:beyond the last",
    ]
  ) {
    assertEquals(sender().cut(message, PART), [message]);
    assertEquals(listener().hear([message]), [message]);
  }
});

test("larger text and bytes are cut into parts within the limit, and put together as they were", () => {
  const random = seededRandom(7);
  const signs = ["a", "é", "€", "💥", "\0", "\r\n", "\u202e"];
  const [from, to] = [sender(), listener()];
  for (let i = 0; i < 200; i++) {
    const limit = 92 + Math.floor(random() * 60);
    const message = random() < 0.3
      ? Uint8Array.from({ length: limit + 1 + Math.floor(random() * 900) }, () => Math.floor(random() * 256))
      : Array.from(
        { length: limit + Math.floor(random() * 500) },
        () => signs[Math.floor(random() * signs.length)],
      ).join("");
    const parts = from.cut(message, limit);
    for (const part of parts) assert(utf8Size(part) <= limit, `${utf8Size(part)} bytes of ${limit}`);
    assertEquals(to.hear(parts), [message]);
  }
  assertEquals([to.lost, to.chunks.heldBytes, to.clock.pending], [[], 0, 0]);
});

test("text may arrive as bytes", () => {
  const message = text(1_000, "€uro 💥 ");
  const parts = sender().cut(message, PART).map((part) => new TextEncoder().encode(part as string));
  assertEquals(listener().hear(parts), [new TextEncoder().encode(message)]);
});

test("parts of several senders and on several channels come between each other", () => {
  const [one, two] = [sender(), sender()];
  const messages = [text(500), text(500, "klmno"), text(500, "pqrst")];
  const parts = [one.cut(messages[0]!, PART), two.cut(messages[1]!, PART), one.cut(messages[2]!, PART)];
  const to = listener();
  const got: unknown[] = [];
  for (let i = 0; i < parts[0]!.length; i++) {
    got.push(
      ...to.hear([parts[0]![i]!], "a"),
      ...to.hear([parts[1]![i]!], "a"),
      ...to.hear([parts[2]![i]!], "b"),
    );
  }
  assertEquals(got, messages);
  assertEquals(to.lost, []);
});

test("a sender ignores its own parts when they come back to it", () => {
  const { chunks, hear, lost } = listener();
  assertEquals([hear(chunks.cut(text(500), PART)), lost, chunks.heldBytes], [[], [], 0]);
});

for (
  const [what, damage] of Object.entries<(parts: readonly AdapterData[]) => readonly AdapterData[]>({
    "the first part": (parts) => parts.slice(1),
    "a part in the middle": (parts) => parts.filter((_, i) => i !== 2),
    "two parts apart from each other": (parts) => parts.filter((_, i) => i !== 2 && i !== 4),
    "the last part": (parts) => parts.slice(0, -1),
  })
) {
  test(`${what} of a message lost: said once, and the next message is whole`, () => {
    const [from, to] = [sender(), listener()];
    const next = text(700, "next ");
    assertEquals(to.hear([...damage(from.cut(text(600), PART)), ...from.cut(next, PART)]), [next]);
    assertEquals(to.lost.length, 1, to.lost.join());
    assert(to.lost[0]!.startsWith("news: Lost a message that came in"), to.lost[0]);
    assertEquals([to.chunks.heldBytes, to.clock.pending], [0, 0]);
  });
}

test("a part that comes twice spoils its message rather than doubling it", () => {
  const to = listener();
  const parts = sender().cut(text(600), PART);
  assertEquals(to.hear([parts[0]!, parts[0]!, ...parts.slice(1)]), []);
  assertEquals(to.lost.length, 1);
});

test("a message whose sender has died is given up after a while", () => {
  const to = listener();
  to.hear(sender().cut(text(600), PART).slice(0, 3));
  assert(to.chunks.heldBytes > 0);
  to.clock.advance(60_000);
  assertEquals([to.lost.length, to.chunks.heldBytes, to.clock.pending], [1, 0, 0]);
});

test("messages that wait for parts have a limit, and the oldest is given up above it", () => {
  const to = listener({ maxHeldBytes: 10_000 });
  // Ever new senders begin a message and never end it.
  for (let i = 0; i < 200; i++) {
    to.hear(sender().cut(text(1_000), PART).slice(0, 5));
    assert(to.chunks.heldBytes <= 10_000, `${to.chunks.heldBytes} bytes`);
  }
  assert(to.lost.length > 150, `${to.lost.length} lost`);
  const message = text(1_000);
  assertEquals(to.hear(sender().cut(message, PART)), [message]);
});

test("one message above the limit is given up, reported once, and not stored", () => {
  const to = listener({ maxHeldBytes: 10_000 });
  const from = sender();
  const parts = from.cut(text(50_000), PART);
  for (const part of parts) {
    assertEquals(to.hear([part]), []);
    assert(to.chunks.heldBytes <= 10_000);
  }
  assertEquals([to.lost.length, to.chunks.heldBytes], [1, 0]);
  assertEquals(to.hear(from.cut(text(1_000), PART)), [text(1_000)]);
});

test("messages that wait on an unwanted channel, or on a lost connection, are forgotten without a report", () => {
  const to = listener();
  const parts = sender().cut(text(600), PART);
  to.hear(parts.slice(0, 2), "a");
  to.hear(parts.slice(0, 2), "b");
  to.chunks.forget("a");
  assertEquals(to.hear(parts.slice(2), "b"), [text(600)]);
  to.hear(parts.slice(0, 2), "b");
  to.chunks.clear();
  assertEquals([to.lost, to.chunks.heldBytes, to.clock.pending], [[], 0, 0]);
});

test("parts that are too small are refused", () => {
  assertThrows(() => sender().cut(text(600), 91), RangeError, "91 bytes");
  assertThrows(() => sender().cut(text(600), NaN), RangeError);
});
