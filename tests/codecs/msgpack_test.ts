import { assert, assertEquals, assertThrows } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import * as fc from "fast-check";
import { test } from "../harness.ts";

const bytes = fc.uint8Array({ maxLength: 64 }).map((array) => new Uint8Array(array));
const payload = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0), // -0 arrives as 0, as in JSON
    fc.boolean(),
    fc.constant(null),
    bytes,
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(fc.string().filter((key) => key !== "__proto__"), tie("value"), {
      noNullPrototype: true,
      maxKeys: 20,
    }),
  ),
})).value;

test("msgpack: encoded and joined values are decoded as they were, bytes as bytes", () => {
  fc.assert(fc.property(fc.array(payload, { minLength: 1, maxLength: 40 }), (payloads) => {
    const messages = payloads.map((value) => ["sig", "name", value]);
    assertEquals(
      msgpackCodec.decode(msgpackCodec.join(messages.map((m) => msgpackCodec.encode(m)))),
      messages,
    );
  }));
});

test("msgpack: frames of 15, 16, 65535 and 65536 messages have the right head", () => {
  const one = msgpackCodec.encode(["pong"]);
  for (const count of [15, 16, 65_535, 65_536]) {
    const frame = msgpackCodec.join(new Array(count).fill(one));
    assertEquals(msgpackCodec.decode(frame).length, count);
  }
});

test("msgpack: any bytes are decoded or refused with BAD_REQUEST", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
      try {
        assert(Array.isArray(msgpackCodec.decode(new Uint8Array(array))));
      } catch (error) {
        assert(error instanceof HubError, String(error));
        assertEquals(error.code, "BAD_REQUEST");
      }
    }),
    { numRuns: 5_000 },
  );
});

test("msgpack: a valid frame with any byte changed or cut off is decoded or refused with BAD_REQUEST", () => {
  fc.assert(fc.property(payload, fc.nat(), fc.nat(255), fc.nat(), (value, at, byte, cut) => {
    const frame = msgpackCodec.join([msgpackCodec.encode(["sig", "name", value])]) as Uint8Array<ArrayBuffer>;
    frame[at % frame.length] = byte;
    try {
      msgpackCodec.decode(frame.slice(0, frame.length - (cut % 3)));
    } catch (error) {
      assert(error instanceof HubError, String(error));
    }
  }));
});

test("msgpack: lists that claim to be longer than the frame are refused before room is made for them", () => {
  const nested = new Uint8Array(50_000);
  for (let i = 0; i < nested.length; i += 5) nested.set([0xdd, 0x01, 0, 0, 0], i); // 16 million items each
  const start = performance.now();
  assertThrows(() => msgpackCodec.decode(nested), HubError);
  assertThrows(() => msgpackCodec.decode(new Uint8Array([0xdf, 0xff, 0xff, 0xff, 0xff])), HubError);
  assert(performance.now() - start < 1_000);
});

test("msgpack: a text frame and a value that is no list are refused", () => {
  for (const frame of ["[]", new Uint8Array([0x01]), new Uint8Array()]) {
    assertThrows(() => msgpackCodec.decode(frame), HubError);
  }
});

test("msgpack: a value that it cannot carry is refused to its sender", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  for (const value of [cycle, Symbol("s"), 2n ** 70n]) {
    assertThrows(() => msgpackCodec.encode(["sig", "name", value]), HubError, "Cannot encode");
  }
});

test("msgpack: undefined properties are left out, as JSON does, and an undefined payload is none", () => {
  const frame = msgpackCodec.join([
    msgpackCodec.encode(["sig", "a", { x: undefined, y: 1 }]),
    msgpackCodec.encode(["sig", "b", undefined]),
  ]);
  assertEquals(msgpackCodec.decode(frame), [["sig", "a", { y: 1 }], ["sig", "b"]]);
});

test("msgpack: a byte order mark at the start of a text stays", () => {
  for (const length of [0, 30, 300]) {
    const message = ["sig", "name", "\ufeff" + "x".repeat(length)];
    assertEquals(msgpackCodec.decode(msgpackCodec.join([msgpackCodec.encode(message)])), [message]);
  }
});

test("msgpack: received bytes are a copy, which does not keep the frame in memory", () => {
  const frame = msgpackCodec.join([msgpackCodec.encode(["sig", "name", new Uint8Array([1, 2, 3])])]);
  const [message] = msgpackCodec.decode(frame) as [[string, string, Uint8Array]];
  assertEquals([message[2].buffer.byteLength, message[2].buffer === (frame as Uint8Array).buffer], [
    3,
    false,
  ]);
});

test("msgpack: encoded messages keep their bytes while others are encoded", () => {
  const messages = Array.from({ length: 200 }, (_, i) => ["sig", "name", "x".repeat(i * 7)]);
  const encoded = messages.map((message) => msgpackCodec.encode(message));
  assertEquals(msgpackCodec.decode(msgpackCodec.join(encoded)), messages);
});

test("msgpack: a short message that is kept keeps little memory", () => {
  for (const length of [1, 200, 255, 256, 257, 1_000, 5_000]) {
    const encoded = msgpackCodec.encode(["sig", "name", "x".repeat(length)]) as Uint8Array;
    assert(encoded.buffer.byteLength <= Math.max(1_024, encoded.length), String(length));
  }
});

const text = (value: string): number[] => [...new TextEncoder().encode(value)];

/** Each format of the specification, and the value that it stands for. */
const FORMATS: readonly (readonly [bytes: readonly number[], value: unknown])[] = [
  [[0x00], 0],
  [[0x7f], 127],
  [[0xe0], -32],
  [[0xff], -1],
  [[0xcc, 0xff], 255],
  [[0xcd, 0xff, 0xfe], 65_534],
  [[0xce, 0xff, 0xff, 0xff, 0xfe], 4_294_967_294],
  [[0xcf, 0, 0, 0, 1, 0x80, 0, 0, 0], 2 ** 32 + 2 ** 31],
  [[0xcf, 0xff, 0, 0, 0, 0, 0, 0, 0], 255 * 2 ** 56],
  [[0xd0, 0x80], -128],
  [[0xd1, 0x80, 0x01], -32_767],
  [[0xd2, 0x80, 0, 0, 0x01], -2_147_483_647],
  [[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], -2],
  [[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], -(2 ** 63)],
  [[0xca, 0x3f, 0xc0, 0, 0], 1.5],
  [[0xcb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a], 0.1],
  [[0xc0], null],
  [[0xc2], false],
  [[0xc3], true],
  [[0xa2, 0xc3, 0xa9], "é"],
  [[0xd9, 1, 0x61], "a"],
  [[0xda, 0, 1, 0x61], "a"],
  [[0xdb, 0, 0, 0, 1, 0x61], "a"],
  [[0xc4, 2, 1, 2], new Uint8Array([1, 2])],
  [[0xc5, 0, 2, 1, 2], new Uint8Array([1, 2])],
  [[0xc6, 0, 0, 0, 2, 1, 2], new Uint8Array([1, 2])],
  [[0x90], []],
  [[0x91, 1], [1]],
  [[0xdc, 0, 1, 1], [1]],
  [[0xdd, 0, 0, 0, 1, 1], [1]],
  [[0x80], {}],
  [[0x81, 0xa1, 0x61, 1], { a: 1 }],
  [[0xde, 0, 1, 0xa1, 0x61, 1], { a: 1 }],
  [[0xdf, 0, 0, 0, 1, 0xa1, 0x61, 1], { a: 1 }],
  [[0xd6, 0xff, 0, 0, 0, 1], "1970-01-01T00:00:01.000Z"],
  [[0xd7, 0xff, 0, 0, 0, 0, 0, 0, 0, 2], "1970-01-01T00:00:02.000Z"],
  [[0xc7, 12, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3], "1970-01-01T00:00:03.000Z"],
];

/** Values that cannot be read, and what the error says. */
const UNREADABLE: readonly (readonly [bytes: readonly number[], why: string])[] = [
  [[0xc1], "it is damaged"],
  [[0xd4, 5, 0], "it holds an extension other than a timestamp"],
  [[0xd5, 5, 0, 0], "it holds an extension other than a timestamp"],
  [[0xd8, 0x72, ...new Array(16).fill(0)], "it holds an extension other than a timestamp"],
  [[0xc7, 0, 5], "it holds an extension other than a timestamp"],
  [[0xc8, 0, 1, 0x85, 0], "it holds an extension other than a timestamp"],
  [[0xc9, 0, 0, 0, 1, 5, 0], "it holds an extension other than a timestamp"],
  [[0xc7, 3, 0xff, 0, 0, 0], "it is damaged"],
  [[0xca, 0x7f, 0x80, 0, 0], "it holds NaN or an infinite number"],
  [[0x91, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], "it holds NaN or an infinite number"],
  [[0x81, 0xa9, ...text("__proto__"), 1], 'it holds a property named "__proto__"'],
  [[0x81, 0xc0, 1], "it is damaged"],
  [[0x81, 0x80, 1], "it is damaged"],
  [[0xa1, 0xff], "it holds text that is not UTF-8"],
  [[0xa1, 0xc3], "it holds text that is not UTF-8"],
  [[...new Array(1_001).fill(0x91), 1], "it is nested deeper than 1000 levels"],
  [[...new Array(1_000).fill(0x91), 0x80], "it is nested deeper than 1000 levels"],
];

/** A frame with the value between two messages, and in the middle of its own. */
const among = (value: readonly number[]): number[] => [0x93, 0x91, 1, 0x93, 2, ...value, 3, 0x91, 4];

test("msgpack: every format of the specification is read, among other values", () => {
  for (const [bytes, value] of FORMATS) {
    assertEquals(msgpackCodec.decode(new Uint8Array(among(bytes))), [[1], [2, value, 3], [4]], String(bytes));
  }
});

test("msgpack: a value that cannot be read is an error in its place, and the values around it are read", () => {
  for (const [bytes, why] of UNREADABLE) {
    const [first, middle, last] = msgpackCodec.decode(new Uint8Array(among(bytes))) as unknown[][];
    assertEquals([first, middle![0], middle![2], last], [[1], 2, 3, [4]], why);
    assert(middle![1] instanceof HubError, why);
    assertEquals([middle![1].code, middle![1].message], ["BAD_REQUEST", `Cannot read a payload: ${why}`]);
  }
});

test("msgpack: a hundred thousand bad values of a kind in a frame share one error", () => {
  const count = 100_000;
  const inOne = [0x91, 0xdd, 0, count >> 16, (count >> 8) & 255, count & 255];
  for (const [bytes, why] of UNREADABLE.filter(([{ length }]) => length < 20)) {
    const frame = new Uint8Array(inOne.length + count * bytes.length);
    frame.set(inOne);
    for (let i = 0; i < count; i++) frame.set(bytes, inOne.length + i * bytes.length);
    const [message] = msgpackCodec.decode(frame) as [unknown[]];
    assertEquals([message.length, new Set(message).size], [count, 1], why); // an error for each takes seconds
  }
});

test("msgpack: a frame that is cut off anywhere, or goes on, is refused as a whole", () => {
  for (const [bytes] of [...FORMATS, ...UNREADABLE]) {
    const frame = new Uint8Array([0x91, 0x92, 0, ...bytes]);
    for (let length = Math.max(0, frame.length - 40); length < frame.length; length++) {
      assertThrows(() => msgpackCodec.decode(frame.slice(0, length)), HubError, "Cannot read the frame");
    }
    assertThrows(() => msgpackCodec.decode(new Uint8Array([...frame, 0])), HubError, "Cannot read the frame");
  }
});
