import {
  assert,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";
import { deadline, delay } from "@std/async";
import { test } from "./harness.ts";

/** One call that passes and one that fails, for each assertion. */
const CALLS: [name: string, passes: () => void, fails: () => void][] = [
  ["assert", () => assert(1), () => assert(0)],
  ["assertFalse", () => assertFalse(0), () => assertFalse(1)],
  [
    "assertEquals",
    () => assertEquals({ a: [NaN] }, { a: [NaN] }),
    () => assertEquals<unknown>({ a: 1 }, { a: "1" }),
  ],
  ["assertNotEquals", () => assertNotEquals([1], [2]), () => assertNotEquals([1], [1])],
  ["assertStrictEquals", () => assertStrictEquals(NaN, NaN), () => assertStrictEquals({}, {})],
  ["assertExists", () => assertExists(0), () => assertExists(null)],
  [
    "assertInstanceOf",
    () => assertInstanceOf([], Array),
    () => assertInstanceOf({}, Array),
  ],
  ["assertStringIncludes", () => assertStringIncludes("abc", "b"), () => assertStringIncludes("abc", "d")],
  ["assertMatch", () => assertMatch("abc", /b/), () => assertMatch("abc", /d/)],
  ["assertGreater", () => assertGreater(2, 1), () => assertGreater(1, 1)],
  [
    "assertGreaterOrEqual",
    () => assertGreaterOrEqual(1, 1),
    () => assertGreaterOrEqual(0, 1),
  ],
  ["assertLess", () => assertLess(1, 2), () => assertLess(1, 1)],
  ["assertLessOrEqual", () => assertLessOrEqual(1, 1), () => assertLessOrEqual(1, 0)],
  [
    "assertObjectMatch",
    () => assertObjectMatch({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1 } }),
    () => assertObjectMatch({ a: { b: 1 } }, { a: { b: 1, c: 2 } }),
  ],
];

for (const [name, passes, fails] of CALLS) {
  test(`${name} passes for right and fails for wrong values`, () => {
    passes();
    assertThrows(fails, AssertionError);
  });
}

test("assertThrows checks class and message and returns the error", () => {
  const error = new RangeError("Too far");
  const fn = () => {
    throw error;
  };
  assertStrictEquals(assertThrows(fn, RangeError, "far"), error);
  assertStrictEquals(assertThrows(fn), error);
  assertThrows(() => assertThrows(fn, TypeError), AssertionError, "TypeError");
  assertThrows(() => assertThrows(fn, RangeError, "near"), AssertionError, "near");
  assertThrows(() => assertThrows(() => 1), AssertionError);
});

test("assertRejects checks class and message and returns the error", async () => {
  const error = new RangeError("Too far");
  const fn = () => Promise.reject(error);
  assertStrictEquals(await assertRejects(fn, RangeError, "far"), error);
  await assertRejects(() => assertRejects(fn, TypeError), AssertionError, "TypeError");
  await assertRejects(() => assertRejects(fn, RangeError, "near"), AssertionError, "near");
  await assertRejects(() => assertRejects(() => Promise.resolve()), AssertionError);
});

test("fail and unreachable always fail", () => {
  assertThrows(() => fail("why"), AssertionError, "why");
  assertThrows(() => unreachable("why"), AssertionError, "why");
});

test("a delay passes, or ends with its signal", async () => {
  await delay(1);
  const controller = new AbortController();
  const waiting = delay(60_000, { signal: controller.signal });
  controller.abort(new RangeError("Enough"));
  await assertRejects(() => waiting, RangeError, "Enough");
  await assertRejects(() => delay(1, { signal: controller.signal }), RangeError, "Enough");
});

test("a deadline passes the promise's outcome on, or ends with a TimeoutError or its signal", async () => {
  assertEquals(await deadline(Promise.resolve(1), 60_000), 1);
  await assertRejects(() => deadline(Promise.reject(new RangeError("Own")), 60_000), RangeError, "Own");
  const error = await assertRejects(() => deadline(new Promise(() => {}), 5), DOMException);
  assertEquals(error.name, "TimeoutError");
  const signal = AbortSignal.abort(new RangeError("Enough"));
  await assertRejects(() => deadline(new Promise(() => {}), 60_000, { signal }), RangeError, "Enough");
});
