import { assert, assertEquals, assertThrows } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { asServerMessage, type Codec, jsonCodec, UnreadableMessage } from "@trunkline/hub/contract";
import fc from "fast-check";
import { decodeBus, encodeBus } from "../../hub/backplane/bus_wire.ts";
import { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { assertPrototypesUntouched, runs } from "../contract/runs.ts";
import { test } from "../harness.ts";
import { nest, REFUSED, refused, travelling } from "./values.ts";

/** Carries payloads in messages of one frame, and gives back what arrives. */
interface Way {
  readonly name: string;
  carry(payloads: readonly unknown[]): unknown[];
}

const throughCodec = (codec: Codec): Way => ({
  name: codec.subprotocol,
  carry: (payloads) =>
    codec.decode(codec.join(payloads.map((payload) => codec.encode(["ev", "n", payload]))))
      .map((message) => (message as unknown[])[2]),
});

const ways: readonly Way[] = [
  throughCodec(jsonCodec),
  throughCodec(msgpackCodec),
  {
    name: "the bus",
    carry: (payloads) =>
      decodeBus(`[${payloads.map((payload) => encodeBus(["bus", "n", payload])).join(",")}]`)
        .map((message) => message[2]),
  },
  {
    name: "one codec after the other",
    carry: (payloads) => {
      const messages = payloads.map((payload) => new OutgoingMessage(["ev", "n", payload]));
      for (const message of messages) message.encoded(jsonCodec);
      return msgpackCodec.decode(msgpackCodec.join(messages.map((message) => message.encoded(msgpackCodec))))
        .map((message) => (message as unknown[])[2]);
    },
  },
];

for (const { name, carry } of ways) {
  test(`every receiver can decode an encoded value: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(travelling, { minLength: 1, maxLength: 4 }), (values) => {
        assertEquals(carry(values.map(({ sent }) => sent)), values.map(({ arrives }) => arrives));
      }),
      runs(),
    );
    assertPrototypesUntouched();
  });

  test(`a value that cannot be decoded unchanged is refused at its sender, at any place in a payload: ${name}`, () => {
    for (const [what, make] of REFUSED) {
      const error = assertThrows(() => carry([make()]), HubError, "Cannot encode the payload", what);
      assertEquals([error.code, error.message.includes("hunter2")], ["BAD_REQUEST", false], what);
    }
    fc.assert(
      fc.property(refused, ({ what, make }) => {
        assertThrows(() => carry([make()]), HubError, "Cannot encode the payload", what);
      }),
      runs(),
    );
    assertPrototypesUntouched();
  });

  test(`a getter that returns a bad value at a second reading harms only its own message: ${name}`, () => {
    for (const worse of [NaN, "\ud800", nest(2_000, 1, "lists"), { ["__proto__"]: 1 }, () => {}]) {
      for (let readings = 0; readings < 4; readings++) {
        let times = 0;
        const turning = {
          get a() {
            return times++ < readings ? 1 : worse;
          },
        };
        let arrived: unknown[];
        try {
          arrived = carry([{ n: 1 }, turning, { n: 2 }]);
        } catch (error) {
          assert(error instanceof HubError && error.code === "BAD_REQUEST", String(error));
          continue;
        }
        assertEquals([arrived[0], arrived[2]], [{ n: 1 }, { n: 2 }]);
      }
    }
    assertPrototypesUntouched();
  });

  test(`a payload may be a thousand levels deep, among others of the same frame: ${name}`, () => {
    const payloads = [
      1,
      nest(1_000, 1, "lists"),
      nest(1_000, { b: [] }, "objects"),
      nest(999, new Uint8Array(2), "lists"),
    ];
    assertThrows(() => carry(payloads), HubError, "nested deeper than");
    payloads[2] = nest(998, { b: [] }, "objects");
    payloads.push(nest(1_000, new Uint8Array(2), "objects"));
    assertEquals(carry(payloads), payloads);
  });

  test(`the error names the value that cannot travel, and its place: ${name}`, () => {
    assertThrows(() => carry([{ list: [1, { price: NaN }] }]), HubError, 'it holds NaN at "list.1.price"');
    assertThrows(() => carry([{ at: new Map() }]), HubError, 'it holds a value of the class Map at "at"');
  });
}

/** Values that a foreign MessagePack client may write into a payload, and their results. */
const FOREIGN: readonly (readonly [what: string, bytes: readonly number[], arrives: unknown])[] = [
  ["a timestamp", [0xd6, 0xff, 0, 0, 0, 1], "1970-01-01T00:00:01.000Z"],
  ["a number as a name", [0x81, 0x01, 0x02], { 1: 2 }],
  ["a timestamp beyond all dates", [
    0xc7,
    12,
    0xff,
    0,
    0,
    0,
    0,
    0x7f,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
  ], undefined],
  ["an unknown extension", [0xd4, 0x05, 0x00], undefined],
  ["NaN", [0xca, 0x7f, 0xc0, 0, 0], undefined],
  ["what is never used", [0xc1], undefined],
  ["__proto__", [0x81, 0xa9, ...new TextEncoder().encode("__proto__"), 0x01], undefined],
  ["a name that is a list", [0x81, 0x90, 0x01], undefined],
  ["half a surrogate pair", [0xa3, 0xed, 0xa0, 0x80], undefined],
  ["2,000 levels", [...new Array(2_000).fill(0x91), 0x01], undefined],
];

test("msgpack: messages of foreign clients are read, or fail alone", () => {
  for (const [what, payload, arrives] of FOREIGN) {
    const message = [0x93, 0xa2, 0x65, 0x76, 0xa1, 0x6e, ...payload]; // ["ev", "n", …]
    const ping = [0x91, 0xa4, ...new TextEncoder().encode("ping")];
    const frame = new Uint8Array([0x93, ...ping, ...message, ...ping]);
    const [first, odd, last] = msgpackCodec.decode(frame).map((value) => asServerMessage(value));
    assertEquals([first, last], [["ping"], ["ping"]], what);
    if (arrives !== undefined) assertEquals(odd, ["ev", "n", arrives] as never, what);
    else {
      assert(odd instanceof UnreadableMessage, what);
      assertEquals([odd.head, odd.error.code], [["ev", "n"], "BAD_REQUEST"], what);
    }
  }
});

test("json: messages of foreign clients are read, or fail alone", () => {
  const odd = [
    '{"$bytes":"*"}',
    "1e999",
    '"\\ud800"',
    '{"\\uDFFF":1}',
    '{"\\u005f_proto__":1}',
    '[{"__proto__":[]}]',
  ];
  for (const payload of odd) {
    const frame =
      `[["ping"],["ev","n",${payload}],["err",1,{"code":"A","message":"b","data":${payload}}],["ping"]]`;
    const [first, event, error, last] = jsonCodec.decode(frame).map((value) => asServerMessage(value));
    assertEquals([first, last], [["ping"], ["ping"]], payload);
    assert(event instanceof UnreadableMessage && error instanceof UnreadableMessage, payload);
    assertEquals([event.head, error.head], [["ev", "n"], ["err", 1]], payload);
  }
  assertEquals(jsonCodec.decode('[["ev","n",{"\\u0024bytes":"AQID"}]]'), [[
    "ev",
    "n",
    new Uint8Array([1, 2, 3]),
  ]]);
});

test("on the bus one bad message hurts no neighbour of its batch", () => {
  const refusedHeads: unknown[] = [];
  const data = '[["pub",1],["pub",{"__proto__":1}],["pub",{"$bytes":"*"}],["later",1],["pub",2]]';
  const good = decodeBus(data, (error, message) => {
    assertEquals(error.code, "BAD_REQUEST");
    refusedHeads.push((message as unknown[])[0]);
  });
  assertEquals([good, refusedHeads], [[["pub", 1], ["pub", 2]], ["pub", "pub", "later"]]);
});
