import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { SmallMap } from "../../hub/connection/small_map.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";

/** Few names, so that they meet again, and more than a small map keeps in a row. */
const name = fc.constantFrom(..."abcdefghijkl", "__proto__", "constructor");
const step = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant("set" as const), name, fc.integer()) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("delete" as const), name, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("clear" as const), name, fc.constant(0)) },
);

test("a small map behaves like a Map, whatever is added and removed", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const small = new SmallMap<string, number>();
      const model = new Map<string, number>();
      for (const [what, key, value] of steps) {
        if (what === "set") {
          small.set(key, value);
          model.set(key, value);
        } else if (what === "delete") assertEquals(small.delete(key), model.delete(key));
        else {
          small.clear();
          model.clear();
        }
        assertEquals([small.size, small.get(key), small.has(key)], [
          model.size,
          model.get(key),
          model.has(key),
        ]);
        assertEquals(small.entries(), [...model]);
      }
    }),
    runs(),
  );
});

test("the entries of a small map are its entries at the moment of the call", () => {
  const small = new SmallMap<string, number>();
  small.set("a", 1);
  small.set("b", 2);
  const seen: string[] = [];
  for (const [key] of small.entries()) {
    seen.push(key);
    small.delete(key);
  }
  assertEquals([seen, small.size], [["a", "b"], 0]);
});
