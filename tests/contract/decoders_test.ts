import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  asClientMessage,
  asServerMessage,
  asSubscribed,
  type Encoded,
  HubError,
  jsonCodec,
  UnreadableMessage,
} from "../../contract/mod.ts";
import { decodeBus, encodeBus } from "../../hub/backplane/bus_wire.ts";
import { test } from "../harness.ts";
import { busMessage, clientMessage, damaged, json, serverMessage, text } from "./arbitraries.ts";
import { assertPrototypesUntouched, runs } from "./runs.ts";

/** The result of a decoder for a value. Any error except a `HubError` of the right code fails the test. */
function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    assert(error instanceof HubError, `threw ${String(error)}`);
    assertEquals(error.code, "BAD_REQUEST");
    assert(error.message.length < 200, "the message repeats what came from outside");
    return undefined;
  }
}

const sides = [
  { side: "client", messages: clientMessage, check: asClientMessage },
  { side: "server", messages: serverMessage, check: asServerMessage },
] as const;

for (const { side, messages, check } of sides) {
  test(`messages of a ${side} arrive as they were encoded, one or many to a frame; invalid ones never do`, () => {
    fc.assert(
      fc.property(fc.array(messages, { minLength: 1, maxLength: 5 }), (list) => {
        const sent = list.filter((message) => attempt(() => jsonCodec.encode(message)) !== undefined);
        if (sent.length > 0) {
          const frame = jsonCodec.join(sent.map((message) => jsonCodec.encode(message)));
          const arrived = jsonCodec.decode(frame).map((message) => check(message));
          assertEquals(JSON.stringify(arrived), JSON.stringify(sent));
        }
        // Whoever writes by other means gets no further with the others than with an error of each message.
        const frame = JSON.stringify(list);
        for (const [i, value] of jsonCodec.decode(frame).entries()) {
          const read = attempt(() => check(value));
          assertEquals(Array.isArray(read), sent.includes(list[i]!), JSON.stringify(list[i]));
        }
      }),
      runs(),
    );
    assertPrototypesUntouched();
  });

  test(`a damaged frame of a ${side} is read or refused, and nothing else happens`, () => {
    fc.assert(
      fc.property(damaged(messages), (frame) => {
        for (const value of attempt(() => jsonCodec.decode(frame)) ?? []) attempt(() => check(value));
      }),
      runs(2_000),
    );
    assertPrototypesUntouched();
  });

  test(`any value that is not a message of a ${side} is refused as one`, () => {
    fc.assert(
      fc.property(
        fc.oneof(json, fc.tuple(fc.oneof(messages.map(([kind]) => kind), text), json, json)),
        (value) => {
          attempt(() => check(value));
        },
      ),
      runs(1_000),
    );
    for (
      const value of [undefined, null, 0, "", "ping", {}, [], [[]], [null], [undefined], new Map(), () => {}]
    ) {
      assertThrows(() => check(value), HubError);
    }
  });
}

test("a payload of undefined is left out on the wire, and decoded as absent", () => {
  for (const message of [["sig", "a", undefined], ["res", 1, undefined], ["req", 1, "a", undefined]]) {
    const [arrived] = jsonCodec.decode(jsonCodec.join([jsonCodec.encode(message)])) as unknown[][];
    assertEquals(arrived, message.slice(0, -1));
    asClientMessage(arrived);
  }
});

/** Arguments of the right number and kind but for one thing. */
const wrong: readonly (readonly unknown[])[] = [
  ["req"],
  ["req", 1],
  ["req", 1, "a", 2, 3],
  ["req", 0, "a"],
  ["req", -1, "a"],
  ["req", 1.5, "a"],
  ["req", NaN, "a"],
  ["req", Infinity, "a"],
  ["req", 2 ** 53, "a"],
  ["req", "1", "a"],
  ["req", null, "a"],
  ["req", [1], "a"],
  ["req", 1, null],
  ["req", 1, ["a"]],
  ["req", 1, { toString: "a" }],
  ["res"],
  ["res", -1],
  ["res", 1, 2, 3],
  ["err", 1],
  ["err", 1, null],
  ["err", 1, []],
  ["err", 1, { code: "A" }],
  ["err", 1, { code: 1, message: "a" }],
  ["err", 1, { code: "A", message: "a" }, 3],
  ["cancel"],
  ["cancel", 1, 2],
  ["sig"],
  ["sig", 1],
  ["sig", "a", 1, 2],
  ["sub", 1],
  ["sub", 1, "a", null],
  ["sub", 1, "a", ["e", 1]],
  ["sub", 1, "a", {}, 1],
  ["sub", 1, "a", { since: null }],
  ["sub", 1, "a", { since: ["e"] }],
  ["sub", 1, "a", { since: ["e", -1] }],
  ["sub", 1, "a", { since: ["e", 1.5] }],
  ["sub", 1, "a", { since: ["e", "1"] }],
  ["sub", 1, "a", { since: ["e", 1, 2] }],
  ["sub", 1, "a", { since: { 0: "e", 1: 1, length: 2 } }],
  ["unsub"],
  ["unsub", 1],
  ["unsub", "a", "b"],
  ["watch", 1],
  ["watch", 0, "room:a"],
  ["watch", 1, 2],
  ["watch", 1, "room:a", null],
  ["watch", 1, "room:a", "user"],
  ["watch", 1, "room:a", []],
  ["watch", 1, "room:a", { by: "role" }],
  ["watch", 1, "room:a", {}, 1],
  ["unwatch", "room:a"],
  ["unwatch", "room:a", "role"],
  ["unwatch", 1, "user"],
  ["unwatch", "room:a", "user", 1],
  ["state", 1],
  ["state", "1", "room:a", {}],
  ["state", 1, null, {}],
  ["state", 1, "room:a", {}, 1],
  ["members", 1],
  ["members", 1, "room:a", 100],
  ["members", 1, "room:a", { by: 1 }],
  ["members", 1, "room:a", { limit: 0 }],
  ["members", 1, "room:a", { limit: 1.5 }],
  ["members", 1, "room:a", { limit: Infinity }],
  ["members", 1, "room:a", { cursor: 1 }],
  ["who", "room:a", "user", {}],
  ["ping", 1],
  ["pong", 1],
  ["hello"],
  ["hello", "member"],
  ["hello", []],
  ["hello", {}],
  ["hello", { role: 1 }],
  ["hello", { role: "member", token: null }],
  ["hello", { role: "member" }, 1],
  ["welcome", {}],
  ["__proto__"],
  ["constructor", 1],
  ["REQ", 1, "a"],
  [["req"], 1, "a"],
  [{ toString: "req" }, 1, "a"],
];

test("wrong arity, types and ids are refused by name, whatever the kind", () => {
  for (const message of wrong) {
    const error = assertThrows(() => asClientMessage(message), HubError, "it is not of the protocol");
    assertEquals(error.code, "BAD_REQUEST");
    if (typeof message[0] === "string") assert(error.message.includes(`"${message[0]}"`));
  }
});

test("a frame that is not a JSON list is refused, with what it is instead", () => {
  const cases: readonly (readonly [Encoded, string])[] = [
    ["", "it is not JSON"],
    ["[", "it is not JSON"],
    ['[["pong"]', "it is not JSON"],
    ['[["pong"]]x', "it is not JSON"],
    ["\ufeff[]", "it is not JSON"],
    ["{}", "it is not a list"],
    ["null", "it is not a list"],
    ['"[]"', "it is not a list"],
    [new TextEncoder().encode("[]"), "Cannot read a binary frame as JSON"],
  ];
  for (const [frame, expected] of cases) assertThrows(() => jsonCodec.decode(frame), HubError, expected);
});

test("any text, and any nesting, is read or refused", () => {
  fc.assert(
    fc.property(text, (frame) => void attempt(() => jsonCodec.decode(frame))),
    runs(1_000),
  );
  for (const depth of [10_000, 100_000]) {
    for (const frame of ["[".repeat(depth), "[".repeat(depth) + "]".repeat(depth), '{"a":'.repeat(depth)]) {
      for (const value of attempt(() => jsonCodec.decode(frame)) ?? []) attempt(() => asClientMessage(value));
      attempt(() => decodeBus(frame));
    }
  }
});

test("a payload may be nested a thousand levels deep and no deeper, in lists, objects and both", () => {
  const kinds = [["[", "]", 1], ['{"a":', "}", 1], ['[{"a":', "}]", 2]] as const;
  for (const [open, close, levels] of kinds) {
    const nest = (depth: number) =>
      `[["sig","a",${open.repeat(depth / levels)}null${close.repeat(depth / levels)}],["pong"]]`;
    assert(Array.isArray(asClientMessage(jsonCodec.decode(nest(1_000))[0])));
    for (const depth of [1_002, 100_000]) {
      const [deep, pong] = jsonCodec.decode(nest(depth)).map((message) => asClientMessage(message));
      assert(deep instanceof UnreadableMessage);
      assertEquals([deep.head, deep.error.code], [["sig", "a"], "BAD_REQUEST"]);
      assert(deep.error.message.includes("deeper than 1000 levels"));
      assertEquals(pong, ["pong"]);
    }
  }
  const wide = jsonCodec.join(Array.from({ length: 2_000 }, () => jsonCodec.encode(["sig", "a", [[], {}]])));
  assertEquals(jsonCodec.decode(wide).length, 2_000);
});

test("a value that cannot be encoded is refused, with its kind and place, and without the value", () => {
  const circular: unknown[] = [];
  circular.push(circular);
  const hostile = {
    toJSON() {
      throw new Error("hunter2");
    },
  };
  const cases = [
    [1n, "a bigint"],
    [circular, "a value nested deeper than 10"],
    [hostile, "a value that cannot be read"],
    [{ a: [{ b: hostile }] }, 'a value that cannot be read at "a.0.b"'],
  ] as const;
  for (const [payload, what] of cases) {
    for (
      const encode of [() => jsonCodec.encode(["ev", "a", payload]), () => encodeBus(["bus", "a", payload])]
    ) {
      const error = assertThrows(encode, HubError, `Cannot encode the payload of "a": it holds ${what}`);
      assertEquals([error.code, error.message.includes("hunter2")], ["BAD_REQUEST", false]);
    }
  }
});

test("the answer to a subscribe is read, or taken for none", () => {
  fc.assert(
    fc.property(json, (value) => {
      const answer = asSubscribed(value);
      if (answer) assertEquals([typeof answer.position[0], typeof answer.recovered], ["string", "boolean"]);
    }),
    runs(1_000),
  );
  const right = { position: ["e", 0], recovered: true };
  assertEquals(asSubscribed(right), { position: ["e", 0], recovered: true });
  for (
    const value of [undefined, null, [], {}, { ...right, recovered: 1 }, { ...right, position: ["e", -1] }]
  ) {
    assertEquals(asSubscribed(value), undefined);
  }
});

test("messages of a node arrive as they were encoded, as text and as bytes, and a bad one harms no other", () => {
  fc.assert(
    fc.property(fc.array(busMessage, { maxLength: 4 }), (list) => {
      const texts = list.map((message) => attempt(() => encodeBus(message)));
      const sent = list.filter((_, i) => texts[i] !== undefined);
      const data = `[${list.map((message, i) => texts[i] ?? JSON.stringify(message)).join(",")}]`;
      for (const form of [data, new TextEncoder().encode(data)]) {
        const refused: unknown[] = [];
        const arrived = decodeBus(form, (error) => void refused.push(error));
        assertEquals(JSON.stringify(arrived), JSON.stringify(sent));
        assertEquals(refused.length, list.length - sent.length);
      }
    }),
    runs(),
  );
});

test("damaged, foreign and binary data of the backplane is read or refused, and nothing else happens", () => {
  fc.assert(
    fc.property(damaged(busMessage as fc.Arbitrary<readonly unknown[]>), (data) => {
      attempt(() => decodeBus(data));
      attempt(() => decodeBus(new TextEncoder().encode(data)));
    }),
    runs(2_000),
  );
  fc.assert(fc.property(fc.uint8Array(), (data) => void attempt(() => decodeBus(data))), runs());
  fc.assert(
    fc.property(fc.array(fc.array(fc.oneof(busMessage.map(([kind]) => kind), json))), (list) => {
      attempt(() => decodeBus(JSON.stringify(list)));
    }),
    runs(1_000),
  );
  for (const kind of ["__proto__", "constructor", "toString", "", "EV"]) {
    assertThrows(() => decodeBus(JSON.stringify([[kind]])), HubError);
  }
  assertPrototypesUntouched();
});
