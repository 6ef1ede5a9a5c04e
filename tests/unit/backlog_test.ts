import { assert, assertEquals } from "@std/assert";
import { Backlog } from "../../transports/websocket/backlog.ts";
import { test } from "../harness.ts";

const MIB = 1024 * 1024;

test("backlog: frames come out in order, and their lengths are known before", () => {
  const backlog = new Backlog();
  for (const frame of ["a", "é", new Uint8Array(3)]) assertEquals(backlog.keep(frame), true);
  const sizes: unknown[] = [];
  for (let size = backlog.nextSize; size !== undefined; size = backlog.nextSize) {
    sizes.push([size, backlog.take().length]);
  }
  assertEquals(sizes, [[1, 1], [1, 1], [3, 3]]);
});

test("backlog: waiting messages are counted in bytes, whatever their alphabet (promise 8)", () => {
  const backlog = new Backlog();
  const frame = "好".repeat(MIB); // 3 MiB
  for (let i = 0; i < 5; i++) assertEquals(backlog.keep(frame), true);
  assertEquals(backlog.keep(frame), false);
});

test("backlog: at most 16 MiB of a client wait, and messages that were read no longer count (promise 8)", () => {
  const backlog = new Backlog();
  const frame = "x".repeat(MIB);
  for (let i = 0; i < 15; i++) assertEquals(backlog.keep(frame), true);
  backlog.take();
  assertEquals(backlog.keep(frame), true);
  assertEquals(backlog.keep(frame), false);
});

test("backlog: empty frames count too, so that they cannot wait without a limit (promise 8)", () => {
  const backlog = new Backlog();
  let kept = 0;
  while (backlog.keep("")) kept++;
  assert(kept > 100_000 && kept < 500_000, `${kept} empty frames`);
});

test("backlog: frames come out in order, however long one waits behind another", () => {
  const backlog = new Backlog();
  backlog.keep("0");
  for (let i = 1; i <= 10_000; i++) {
    backlog.keep(`${i}`);
    if (i % 7 > 0) backlog.keep(`${i}+`);
    assertEquals(backlog.nextSize, `${i - 1}`.length);
    assertEquals(backlog.take(), `${i - 1}`);
    if ((i - 1) % 7 > 0) assertEquals(backlog.take(), `${i - 1}+`);
  }
  assertEquals(backlog.take(), "10000");
});
