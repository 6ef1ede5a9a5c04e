import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createTextReader, runtimeSlice } from "../../codecs/msgpack_text.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";

const encoder = new TextEncoder();

/** Byte sequences that are not UTF-8. */
const NONE: readonly (readonly [what: string, bytes: readonly number[]])[] = [
  ["a byte that is never used", [0xff]],
  ["the rest of a character", [0x80]],
  ["the start of a character", [0xc3]],
  ["an overlong character", [0xc0, 0x80]],
  ["half a surrogate pair", [0xed, 0xa0, 0x80]],
  ["a pair of halves", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ["a character beyond all", [0xf4, 0x90, 0x80, 0x80]],
];

for (const [where, slice] of [["in a browser", undefined], ["on this runtime", runtimeSlice]] as const) {
  const readText = createTextReader(slice);

  test(`msgpack: text of any size is read as it was, among other bytes: ${where}`, () => {
    const piece = fc.oneof(
      fc.string(),
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("\ufeff", "\ufffd", "\0", "é", "😀", "a".repeat(70), "ж".repeat(300)),
    ).map((text) => text.toWellFormed());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), fc.nat(9), (pieces, before) => {
        const text = pieces.join("");
        const bytes = encoder.encode("é".repeat(before) + text + "é");
        assertEquals(readText(bytes, 2 * before, bytes.length - 2 * before - 2), text);
      }),
      runs(),
    );
  });

  test(`msgpack: text that is not UTF-8 is refused, short or long: ${where}`, () => {
    for (const [what, wrong] of NONE) {
      for (const length of [0, 5, 20, 100, 500]) {
        const text = [...encoder.encode("a".repeat(length)), ...wrong];
        // What follows the text would complete a character.
        const bytes = Uint8Array.of(...text, 0xa9, 0x80);
        assertEquals(readText(bytes, 0, text.length), undefined, `${what} after ${length}`);
        assertEquals(readText(Uint8Array.of(0xef, 0xbf, 0xbd, ...text), 0, text.length + 3), undefined, what);
      }
    }
  });
}

test("msgpack: two bytes that are not UTF-8 are refused, also after a text whose characters have the same numbers", () => {
  const readText = createTextReader(runtimeSlice);
  for (let i = 0x80; i < 0x100; i++) {
    for (let j = 0x20; j < 0x100; j++) {
      const characters = String.fromCharCode(i, j);
      const bytes = encoder.encode(characters);
      assertEquals(readText(bytes, 0, bytes.length), characters);
      if (j >= 0x80 && j < 0xc0 && i >= 0xc2 && i < 0xe0) continue; // they are UTF-8
      assertEquals(readText(Uint8Array.of(i, j), 0, 2), undefined);
    }
  }
});

test("msgpack: Deno and Bun read text with the method of Buffer", () => {
  assert(runtimeSlice);
});
