/** What getters do while a message is encoded: they encode others, throw, and change the value around them. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { type Codec, type Encoded, jsonCodec } from "@trunkline/hub/contract";
import { Buffer } from "node:buffer";
import { test } from "../harness.ts";

const message = (payload: unknown) => ["ev", "n", payload];

/** The payloads of encoded messages, sent in one frame. */
const arriving = (codec: Codec, messages: readonly Encoded[]): unknown[] =>
  codec.decode(codec.join(messages)).map((message) => (message as unknown[])[2]);

/** Shorter than the room of a message, longer than it, and longer than a piece of the writer's memory. */
const SIZES = [0, 10, 300, 3_000];

for (const codec of [jsonCodec, msgpackCodec]) {
  const name = codec.subprotocol.split(".").at(-1);

  test(`${name}: a getter may encode other messages, also refused ones, while its own is encoded`, () => {
    for (const outerSize of SIZES) {
      for (const innerSize of SIZES) {
        const inner: Encoded[] = [];
        const text = "o".repeat(outerSize);
        const outer = {
          text,
          get a() {
            inner.push(codec.encode(message({ i: "i".repeat(innerSize) })));
            assertThrows(() => codec.encode(message(["r".repeat(innerSize), NaN])), HubError);
            return 1;
          },
          last: [text, 2.5],
        };
        const before = codec.encode(message("before"));
        const bytes = codec.encode(message(outer));
        const after = codec.encode(message("after"));
        const arrives = { text, a: 1, last: [text, 2.5] };
        assertEquals(arriving(codec, [before, bytes, after]), ["before", arrives, "after"]);
        assert(inner.length > 0);
        assertEquals(
          new Set(arriving(codec, inner).map((one) => (one as { i: string }).i.length)),
          new Set([innerSize]),
        );
      }
    }
  });

  test(`${name}: a getter that throws after it has encoded another message leaves that one as it is`, () => {
    for (const size of SIZES) {
      const inner: Encoded[] = [];
      const outer = [
        "o".repeat(size),
        {
          get a() {
            inner.push(codec.encode(message("i".repeat(size))));
            throw new Error("hunter2");
          },
        },
      ];
      assertThrows(() => codec.encode(message(outer)), HubError, "a value that cannot be read");
      const after = codec.encode(message("after"));
      assertEquals(new Set(arriving(codec, inner)), new Set(["i".repeat(size)]));
      assertEquals(arriving(codec, [after]), ["after"]);
    }
  });

  test(`${name}: a getter that makes its list shorter or longer harms only its own message`, () => {
    for (const change of [-2, -1, 1, 20]) {
      const list: unknown[] = [
        {
          get a() {
            if (change < 0) list.length = Math.max(1, list.length + change);
            else for (let i = 0; i < change && list.length < 100; i++) list.push("more");
            return 1;
          },
        },
        2,
        3,
        4,
        5,
        6,
      ];
      harmsOnlyItself(codec, list);
    }
  });

  test(`${name}: a proxy of a list with an odd length harms only its own message`, () => {
    for (const length of [2.5, -1, NaN, "2", "x", null, 2 ** 32 + 2]) {
      const list = new Proxy([7, 8, 9], {
        get: (all, key) => key === "length" ? length : Reflect.get(all, key),
      });
      harmsOnlyItself(codec, list);
      harmsOnlyItself(codec, { at: new Date(0), list });
    }
  });
}

/** Encodes a payload, or is refused, and finds its neighbours in the frame as they were. */
function harmsOnlyItself(codec: Codec, payload: unknown): void {
  const before = codec.encode(message("before"));
  let own: Encoded[] = [];
  try {
    own = [codec.encode(message(payload))];
  } catch (error) {
    assert(error instanceof HubError && error.code === "BAD_REQUEST", String(error));
  }
  const arrived = arriving(codec, [before, ...own, codec.encode(message("after"))]);
  assertEquals([arrived.length, arrived[0], arrived.at(-1)], [2 + own.length, "before", "after"]);
}

test("msgpack: received bytes are a copy of their own class, also out of a frame of another class", () => {
  const frame = Buffer.from(
    msgpackCodec.join([msgpackCodec.encode(message(new Uint8Array([1, 2, 3])))]) as Uint8Array,
  );
  const [payload] = msgpackCodec.decode(frame as Uint8Array<ArrayBuffer>).map((one) => (one as unknown[])[2]);
  frame.fill(0);
  assertEquals(payload, new Uint8Array([1, 2, 3]));
  assertEquals((payload as Uint8Array).constructor, Uint8Array);
});

test("msgpack: memory that a caller has given away is not written to", () => {
  const given = msgpackCodec.encode(message("given")) as Uint8Array<ArrayBuffer>;
  structuredClone(given.buffer, { transfer: [given.buffer] });
  assertEquals(arriving(msgpackCodec, [msgpackCodec.encode(message("next"))]), ["next"]);
});
