import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { readUtf8, startsWith } from "../../contract/values/bytes.ts";
import { test } from "../harness.ts";
import { runs } from "./runs.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

test("bytes are read as text if they are UTF-8, with U+FFFD and byte order marks, and refused if not", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\ufffd", "\ufeffa", "a\ufffd💥", ""));
  const encoded = text.map((text) => new TextEncoder().encode(text));
  const damaged = fc.tuple(encoded, fc.nat(20), fc.nat(255)).map(([bytes, at, byte]) => {
    const copy = Uint8Array.from([...bytes, 97]);
    copy[at % copy.length] = byte;
    return copy;
  });
  fc.assert(
    fc.property(fc.oneof(encoded, damaged, fc.uint8Array()), (bytes) => {
      const read = (reader: (bytes: Uint8Array) => string) => {
        try {
          return reader(bytes);
        } catch (error) {
          return (error as Error).constructor;
        }
      };
      assertEquals(read(readUtf8), read((bytes) => strict.decode(bytes)));
    }),
    runs(1_000),
  );
  assertThrows(() => readUtf8(new Uint8Array([0x61, 0xff])), TypeError);
});

test("bytes begin with others, at any place, and never beyond their end", () => {
  const [bytes, head] = [new Uint8Array([1, 2, 3]), new Uint8Array([2, 3])];
  assertEquals([0, 1, 2, 3].map((at) => startsWith(bytes, head, at)), [false, true, false, false]);
  assertEquals(startsWith(bytes, bytes), true);
  assertEquals(startsWith(head, bytes), false);
  assertEquals(startsWith(bytes, new Uint8Array()), true);
});
