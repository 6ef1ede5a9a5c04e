import { assertEquals, assertThrows } from "@std/assert";
import { jsonCodec, readJson, writeJson } from "@trunkline/hub/contract";
import * as fc from "fast-check";
import { test } from "../harness.ts";

const bytes = fc.uint8Array({ maxLength: 64 }).map((array) => new Uint8Array(array));
const key = fc.oneof(fc.string(), fc.constantFrom("$bytes", "$$bytes", "$$$bytes", "bytes", "x$bytes"))
  .filter((name) => name !== "__proto__");
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.constant('"$bytes"'),
    fc.integer(),
    fc.constant(null),
    bytes,
    fc.array(tie("any"), { maxLength: 8 }),
    fc.dictionary(key, tie("any"), { noNullPrototype: true, maxKeys: 6 }),
  ),
})).any;

test("json: bytes anywhere in a value arrive as bytes, and nothing else is taken for them", () => {
  fc.assert(fc.property(value, (v) => assertEquals(readJson(writeJson(v)), v)), { numRuns: 1_000 });
});

test("json: every byte value and a mebibyte arrive as they were sent", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  const large = new Uint8Array(1024 * 1024).map((_, i) => i * 31);
  for (const data of [all, large, new Uint8Array()]) {
    assertEquals(jsonCodec.decode(jsonCodec.join([jsonCodec.encode(["sig", "n", { data }])])), [["sig", "n", {
      data,
    }]]);
  }
});

test("json: without the engine's own base64 the result is the same", () => {
  const native = Object.getOwnPropertyDescriptor(Uint8Array.prototype, "toBase64");
  const text = writeJson(new Uint8Array([250, 251, 252]));
  try {
    delete (Uint8Array.prototype as { toBase64?: unknown }).toBase64;
    assertEquals(writeJson(new Uint8Array([250, 251, 252])), text);
  } finally {
    if (native) Object.defineProperty(Uint8Array.prototype, "toBase64", native);
  }
});

test("json: bytes that are not base64, and values inside themselves, are refused", () => {
  assertThrows(() => readJson('{"$bytes":"*"}'));
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  assertThrows(() => writeJson(cycle), TypeError, "or in itself");
});
