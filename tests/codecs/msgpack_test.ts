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
