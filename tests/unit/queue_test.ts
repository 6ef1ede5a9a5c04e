import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Queue } from "../../hub/connection/queue.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";

test("a queue behaves like a list, whatever is added and taken, also if it is long", () => {
  const step = fc.record({
    what: fc.constantFrom("push", "shift", "take"),
    count: fc.constantFrom(1, 2, 700, 3_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
      const queue = new Queue<number>();
      const list: number[] = [];
      let last = 0;
      for (const { what, count } of steps) {
        if (what === "push") { for (let i = 0; i < count; i++) list.push(++last), queue.push(last); }
        if (what === "shift") { for (let i = 0; i < count; i++) assertEquals(queue.shift(), list.shift()); }
        if (what === "take") {
          const wanted = last - count;
          const at = list.indexOf(wanted);
          assertEquals(queue.take((item) => item === wanted), at < 0 ? undefined : list.splice(at, 1)[0]);
        }
        assertEquals(queue.length, list.length);
      }
      for (const item of list) assertEquals(queue.shift(), item);
      assertEquals([queue.shift(), queue.length], [undefined, 0]);
    }),
    runs(60),
  );
});
