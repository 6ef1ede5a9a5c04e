import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeEnvelope, encodeEnvelope, encodeTextEnvelope } from "../../adapters/kit/envelope.ts";
import type { AdapterData } from "../../adapters/adapter.ts";
import { test } from "../harness.ts";

const utf8 = new TextEncoder();

/** The result of a byte transport: Redis delivers text as bytes. */
const asBytes = (raw: AdapterData): AdapterData => typeof raw === "string" ? utf8.encode(raw) : raw;

/** Any text, lone surrogates included, and now and then a long one. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 }).map((units) =>
    String.fromCharCode(...units)
  ),
  fc.constantFrom("", "TL1t1:a", "\0", "\ufeff", "\ud800", "\udc00\ud800", '"', "💥"),
);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => new Uint8Array(array));
const data: fc.Arbitrary<AdapterData> = fc.oneof(text, bytes);
const nodeId = fc.oneof(
  fc.uuid(),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((id) =>
    id !== "" && !id.includes("\0")
  ),
  fc.constantFrom("__proto__", "constructor", "7:", "\n", "1", "é", "\ufeffid"),
);

test("an envelope brings sender, text and bytes over a transport of bytes and text", () => {
  fc.assert(fc.property(nodeId, data, (from, data) => {
    assertEquals(decodeEnvelope(encodeEnvelope(from, data)), { from, data });
  }));
});

test("an envelope brings sender, text and bytes over a transport that hands over bytes only", () => {
  fc.assert(fc.property(nodeId, data, (from, data) => {
    assertEquals(decodeEnvelope(asBytes(encodeEnvelope(from, data))), { from, data });
    assertEquals(decodeEnvelope(asBytes(encodeTextEnvelope(from, data))), { from, data });
  }));
});

test("an envelope brings sender, text and bytes over a transport that carries text only", () => {
  fc.assert(fc.property(nodeId, data, (from, data) => {
    const packed = encodeTextEnvelope(from, data);
    assert(packed.isWellFormed() && !packed.includes("\0"));
    assertEquals(decodeEnvelope(packed), { from, data });
  }));
});

test("text stays text, bytes are not written in base64, and the head is short", () => {
  assertEquals(encodeEnvelope("n1", "hello"), "TL1t2:n1hello");
  assertEquals(
    encodeEnvelope("n1", new Uint8Array([0, 200])),
    new Uint8Array([...utf8.encode("TL1b2:n1"), 0, 200]),
  );
  assertEquals(encodeTextEnvelope("n1", new Uint8Array([0, 200])), "TL1x2:n1AMg=");
});

test("every byte value and a mebibyte survive both kinds of envelope", () => {
  const every = Uint8Array.from({ length: 1 << 20 }, (_, i) => i & 255);
  assertEquals(decodeEnvelope(encodeEnvelope("n", every))?.data, every);
  assertEquals(decodeEnvelope(encodeTextEnvelope("n", every))?.data, every);
});

test("bytes are decoded as a plain view of the received bytes, not as a copy", () => {
  const packed = encodeEnvelope("n1", new Uint8Array([1, 2, 3])) as Uint8Array<ArrayBuffer>;
  // As it comes from a pool: somewhere inside a larger buffer.
  const pool = new Uint8Array(100);
  pool.set(packed, 40);
  const { data } = decodeEnvelope(pool.subarray(40, 40 + packed.length))!;
  assertEquals(data, new Uint8Array([1, 2, 3]));
  assert((data as Uint8Array).buffer === pool.buffer);
});

test("data that are not an envelope count as foreign, and never cause an error", () => {
  fc.assert(fc.property(data, (raw) => {
    const envelope = decodeEnvelope(raw);
    const start = typeof raw === "string" ? raw.slice(0, 3) : String.fromCharCode(...raw.subarray(0, 3));
    assert(envelope === undefined || start === "TL1");
  }));
  const foreign: unknown[] = [
    ...[
      "",
      "T",
      "TL1",
      "TL1t",
      "TL1t:",
      "TL1t1",
      "TL1t1:",
      "TL1t0:x",
      "TL1t-1:x",
      "TL1t9999:x",
      "TL1t00001:x",
    ],
    ...[
      "TL1b1:ab",
      "TL2t1:ab",
      "tl1t1:ab",
      "TL1x1:a!",
      "TL1x1:aAAAAA",
      "TL1j1:a",
      "TL1j1:a7",
      'TL1j1:a{"a":1}',
    ],
    ...[
      null,
      undefined,
      7,
      {},
      [],
      new Date(0),
      new ArrayBuffer(9),
      JSON.parse('{"__proto__":{"from":"x"}}'),
    ],
    ...["TL1b", "TL1b:", "TL1b1:", "TL1b0:x", "TL1bx:x", "TL1b9:ab", "TL1b00001:a", "TL1t1:"].map((t) =>
      utf8.encode(t)
    ),
    new Uint8Array([...utf8.encode("TL1t1:a"), 0xff]),
    new Uint8Array([...utf8.encode("TL1b1:"), 0xff]),
  ];
  for (const raw of foreign) assertEquals(decodeEnvelope(raw as AdapterData), undefined, String(raw));
});

test("a cut envelope is foreign or shorter, and never another sender's", () => {
  fc.assert(fc.property(nodeId, data, fc.nat(400), (from, data, cut) => {
    const packed = asBytes(encodeEnvelope(from, data)) as Uint8Array<ArrayBuffer>;
    const envelope = decodeEnvelope(packed.subarray(0, cut));
    if (envelope) assertEquals(envelope.from, from);
  }));
});

test("an id that would not survive is refused at the sender", () => {
  for (const from of ["", "\ud800", "a\0b", "x".repeat(1025)]) {
    assertThrows(() => encodeEnvelope(from, "m"), TypeError, "Cannot send from this node");
    assertThrows(() => encodeTextEnvelope(from, "m"), TypeError, "Cannot send from this node");
  }
});
