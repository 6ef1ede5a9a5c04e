import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { exceedsUtf8, maxUtf8Size, startOf, utf8Size } from "../../contract/mod.ts";
import { HoldQueue } from "../../hub/outbox/hold_queue.ts";
import { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { Sequence } from "../../hub/outbox/sequence.ts";
import { jsonCodec } from "../../contract/mod.ts";
import { test } from "../harness.ts";
import { text } from "./arbitraries.ts";
import { runs } from "./runs.ts";

test("the size of text is that of its UTF-8, and the bound is never below it", () => {
  const long = fc.tuple(text, fc.nat(300)).map(([part, times]) => part.repeat(times));
  fc.assert(
    fc.property(fc.oneof(text, long), fc.nat(2_000), (value, limit) => {
      const bytes = new TextEncoder().encode(value).byteLength;
      assertEquals(utf8Size(value), bytes);
      assertEquals(maxUtf8Size(value) >= bytes, true);
      for (const bound of [limit, bytes, bytes - 1]) assertEquals(exceedsUtf8(value, bound), bytes > bound);
    }),
    runs(1_000),
  );
  assertEquals([utf8Size(new Uint8Array(5)), exceedsUtf8(new Uint8Array(5), 4)], [5, true]);
});

test("a text is cut between characters", () => {
  assertEquals([startOf("a👍b", 2), startOf("a👍b", 3), startOf("ab", 5), startOf("👍", 1)], [
    "a",
    "a👍",
    "ab",
    "",
  ]);
});

test("the queue of a slow connection is counted in bytes, whatever its alphabet", () => {
  const held = new HoldQueue(jsonCodec, { maxMessages: 100, maxBytes: 60, policy: "close" });
  const add = (payload: string) =>
    held.add(new Sequence(jsonCodec).alone(new OutgoingMessage(["ev", "n", payload])));
  add("あ".repeat(10)); // 43 bytes, 23 units
  assertEquals(held.exceeded, false);
  add("あ"); // 16 bytes, 12 units
  assertEquals(held.exceeded, false);
  add("");
  assertEquals(held.exceeded, true);
});
