import { assertEquals } from "@std/assert";
import { Backlog } from "../../transports/websocket/backlog.ts";
import { test } from "../harness.ts";

const MIB = 1024 * 1024;

test("backlog: frames come out in order, and their sizes are told before", () => {
  const backlog = new Backlog();
  for (const frame of ["a", "bb", new Uint8Array(3)]) assertEquals(backlog.keep(frame), true);
  const sizes: unknown[] = [];
  for (let size = backlog.nextSize; size !== undefined; size = backlog.nextSize) {
    sizes.push([size, backlog.take().length]);
  }
  assertEquals(sizes, [[1, 1], [2, 2], [3, 3]]);
});

test("backlog: no more than 16 MiB of a client wait to be heard, and what was heard counts no more (promise 8)", () => {
  const backlog = new Backlog();
  const frame = "x".repeat(MIB);
  for (let i = 0; i < 16; i++) assertEquals(backlog.keep(frame), true);
  backlog.take();
  assertEquals(backlog.keep(frame), true);
  assertEquals(backlog.keep("y"), false);
});
