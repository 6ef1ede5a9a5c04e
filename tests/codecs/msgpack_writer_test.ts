import { assertEquals, assertThrows } from "@std/assert";
import { Encoder } from "@msgpack/msgpack";
import { HubError } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import fc from "fast-check";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";
import { refused, travelling } from "./values.ts";

const library = new Encoder({ maxDepth: 1_002 });
const written = (payload: unknown) => msgpackCodec.encode(["ev", "n", payload]) as Uint8Array<ArrayBuffer>;
const expected = (payload: unknown) => library.encode(["ev", "n", payload]);

test("msgpack: a message is written byte for byte as the library writes it", () => {
  fc.assert(
    fc.property(travelling, ({ sent, arrives }) => assertEquals(written(sent), expected(arrives))),
    runs(500),
  );
});

/** Sizes around the limits of the formats. */
const SIZES = [0, 1, 15, 16, 31, 32, 64, 65, 127, 128, 255, 256, 257, 1_023, 1_024, 65_535, 65_536];
const NUMBERS = [
  ...SIZES,
  32_767,
  32_768,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  2 ** 64,
  0.1,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
].flatMap((number) => [number, -number, -number - 1]);

test("msgpack: numbers, texts, bytes, lists and maps have the shortest format at each limit", () => {
  for (const number of NUMBERS) assertEquals(written(number), expected(number), String(number));
  for (const size of SIZES) {
    for (const character of ["a", "é", "€", "👩"]) {
      const text = character.repeat(size);
      assertEquals(written(text), expected(text), `${size} × ${character}`);
    }
    const mixed = `${"a".repeat(size)}é`;
    assertEquals(written(mixed), expected(mixed), `${size} characters and one more`);
    for (const value of [new Uint8Array(size).fill(7), new Array(size).fill(null), mapOf(size)]) {
      assertEquals(written(value), expected(value), `${size} in ${value.constructor.name}`);
    }
  }
});

function mapOf(size: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, i]));
}

test("msgpack: a refused message leaves nothing in those before and after it, whatever their sizes", () => {
  const size = fc.oneof(fc.nat(40), fc.nat(600), fc.nat(3_000));
  fc.assert(
    fc.property(fc.array(fc.tuple(size, refused), { minLength: 2, maxLength: 12 }), (steps) => {
      const kept = steps.map(([size, { make, what }], i) => {
        const before = written({ i, text: "x".repeat(size) });
        assertThrows(() => written(["y".repeat(size), make()]), HubError, "Cannot encode", what);
        return before;
      });
      const payloads = kept.map((bytes) =>
        (msgpackCodec.decode(msgpackCodec.join([bytes]))[0] as unknown[])[2]
      );
      assertEquals(payloads, steps.map(([size], i) => ({ i, text: "x".repeat(size) })));
    }),
    runs(),
  );
});
