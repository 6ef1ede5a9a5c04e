import { assert, assertEquals } from "@std/assert";
import { HubError, jsonCodec } from "@trunkline/hub/contract";
import { test } from "../harness.ts";

/** Bad payloads, and what is told about each. */
const BAD: readonly (readonly [string, string])[] = [
  ["1e999", "Infinity"],
  ['"\\ud800"', "text with half a surrogate pair"],
  ['{"__proto__":1}', 'a property named "__proto__" at "__proto__"'],
  ['{"$bytes":"*"}', "a value that cannot be read"],
  ['{"a":[0,{"b":-1e999}]}', '-Infinity at "a.1.b"'],
  ['{"":{"":1e999}}', 'Infinity at "."'],
  ['{"":{"a":{"":1e999}}}', 'Infinity at ".a."'],
  [
    `${"[".repeat(30)}${'{"ab":'.repeat(40)}1e999${"}".repeat(40)}${"]".repeat(30)}`,
    `Infinity at "${"0.".repeat(30)}ab.a"`,
  ],
];

const told = (error: unknown): string => {
  assert(error instanceof HubError);
  assertEquals(error.code, "BAD_REQUEST");
  return error.message.replace(/^Cannot read a payload: it holds /, "");
};

test("json: a bad payload is told with its kind and place", () => {
  for (const [payload, why] of BAD) {
    const [[, bad, good], next] = jsonCodec.decode(`[["a",${payload},1],["b"]]`) as [unknown[], unknown];
    assertEquals([told(bad), good, next], [why, 1, ["b"]], payload);
  }
});

test("json: bad payloads of a kind in one frame share one error, because errors take long to make", () => {
  for (const [payload, why] of BAD.slice(0, -1)) {
    const messages = jsonCodec.decode(`[${Array(2_000).fill(`["a",${payload},${payload}]`)}]`) as unknown[][];
    const errors = new Set(messages.flatMap((message) => message.slice(1)));
    assertEquals([messages.length, [...errors].map(told)], [2_000, [why]], payload);
  }
});

test("json: a hundred errors in one frame say where the bad payload is, and one stands for all others", () => {
  const payloads = Array.from({ length: 5_000 }, (_, i) => `{"k${i}":1e999}`);
  const [[, ...errors]] = jsonCodec.decode(`[["a",${payloads}]]`) as [unknown[]];
  const places = Array.from({ length: 100 }, (_, i) => `Infinity at "k${i}"`);
  assertEquals(errors.map(told), [...places, ...Array(4_900).fill("Infinity")]);
  assertEquals(new Set(errors).size, 101);
});
