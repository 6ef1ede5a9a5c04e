import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { WireError } from "@trunkline/hub/contract";
import { waitFor } from "../harness.ts";
import { opcode } from "../transports/raw_client.ts";
import { hostileTest, type Intruder } from "./scene.ts";

const DEEP = 100_000;
const deepList = "[".repeat(DEEP) + "]".repeat(DEEP);
const times = 30_000;
const deepObject = '{"a":'.repeat(times) + "1" + "}".repeat(times);

/** Frames that are not of the protocol. */
const malformed: readonly (readonly [what: string, send: (intruder: Intruder) => void])[] = [
  ["a malformed frame", (i) => i.say("{oops")],
  ["an empty frame", (i) => i.say("")],
  ["a truncated frame", (i) => i.say('[["sig","any",{"a":1')],
  ["two frames in one", (i) => i.say('[["pong"]][["pong"]]')],
  ["a byte order mark", (i) => i.say('\ufeff[["pong"]]')],
  ["a frame that is no list", (i) => i.say('{"0":["pong"],"length":1}')],
  ["a message that is no list", (i) => i.say('["pong"]')],
  ["a binary frame for text", (i) => i.raw.send(opcode.binary, '[["pong"]]')],
  ["an empty binary frame", (i) => i.raw.send(opcode.binary)],
  ["a deeply nested frame", (i) => i.say(deepList)],
  ["a deeply nested truncated frame", (i) => i.say("[".repeat(DEEP))],
  ["an unknown kind", (i) => i.send(["publish", "open/1", 1])],
  ["a kind of the other side", (i) => i.send(["welcome", {}])],
  ["a kind called __proto__", (i) => i.send(["__proto__", 1])],
  ["a kind that is no text", (i) => i.send([["req"], 1, "echo"])],
  ["a request without a name", (i) => i.send(["req", 1])],
  ["a request with too much", (i) => i.send(["req", 1, "echo", 2, 3])],
  ["a huge id", (i) => i.say('[["req",9007199254740993,"echo"]]')],
  ["an infinite id", (i) => i.say('[["req",1e999,"echo"]]')],
  ["a negative id", (i) => i.send(["req", -1, "echo"])],
  ["an id of zero", (i) => i.send(["req", 0, "echo"])],
  ["an id that is not a number", (i) => i.send(["req", NaN, "echo"])],
  ["an id that is text", (i) => i.send(["req", "1", "echo"])],
  ["an id that is a fraction", (i) => i.send(["cancel", 1.5])],
  ["a topic that is a list", (i) => i.send(["sub", 1, ["open/1"]])],
  ["a position that is none", (i) => i.send(["sub", 1, "log/1", { since: { epoch: "e", offset: 0 } }])],
  ["an error that is none", (i) => i.send(["err", 1, "no"])],
  ["good messages with a bad one behind", (i) => i.send(["pong"], ["req", 1, "echo", 1], ["oops"])],
];

for (const when of ["before hello", "after it"] as const) {
  hostileTest(
    `a frame that is not of the protocol ends its own connection with 4500, ${when}`,
    async (scene) => {
      for (const [what, send] of malformed) {
        const intruder = when === "before hello" ? await scene.intrude() : await scene.enter();
        send(intruder);
        const { code, reason } = await intruder.closed();
        // A client may send only little before it is authenticated.
        assertEquals(code, when === "before hello" && what.startsWith("a deeply") ? 4504 : 4500, what);
        assert(reason.length > 0 && reason.length <= 123, `${what}: ${reason}`);
        intruder.send(["req", 2, "echo", 1]); // into the void
      }
    },
  );
}

hostileTest("a payload nested too deep is an error of its message, and hurts no other", async ({ enter }) => {
  const intruder = await enter();
  intruder.say(`[["sig","any",${deepList}],["req",2,"echo",2]]`);
  intruder.say(`[["sig","any",${deepObject}]]`);
  intruder.say(`[["req",1,"tree",${deepList}]]`);
  assertEquals((await intruder.hears("res", 2))[2], 2);
  const [, , { code, message }] = await intruder.hears("err", 1);
  assertEquals(code, "BAD_REQUEST");
  assertStringIncludes(message, "Cannot read a payload: it holds a value nested deeper than 1000 levels");
  const faults = intruder.heard.filter(([kind]) => kind === "fault");
  assertEquals(faults.map(([, error, about]) => [(error as WireError).code, about]), [
    ["BAD_REQUEST", "any"],
    ["BAD_REQUEST", "any"],
  ]);
});

for (
  const [what, frame] of [["oversized", "x".repeat(1_001)], ["oversized in bytes", "é".repeat(501)]] as const
) {
  hostileTest(
    `an ${what} frame ends its own connection with 4504 or by the transport, unread`,
    async (scene) => {
      for (const intruder of [await scene.intrude(), await scene.enter()]) {
        intruder.say(JSON.stringify([["sig", "any", frame]]));
        const { code } = await intruder.closed();
        assert([4504, 1009, 1006].includes(code), `closed with ${code}`);
      }
    },
    { limits: { maxFrameBytes: 1_000 } },
  );
}

hostileTest("a frame of the largest size is taken", async ({ enter }) => {
  const intruder = await enter();
  const frame = JSON.stringify([["req", 1, "echo", ""]]);
  intruder.say(JSON.stringify([["req", 1, "echo", "x".repeat(1_000 - frame.length)]]));
  assertEquals(((await intruder.hears("res", 1))[2] as string).length, 1_000 - frame.length);
}, { limits: { maxFrameBytes: 1_000 } });

hostileTest(
  "a thousand empty frames, and frames of a thousand messages, are just frames",
  async ({ enter }) => {
    const intruder = await enter();
    intruder.sayAll(Array.from({ length: 1_000 }, () => "[]"));
    intruder.send(...Array.from({ length: 900 }, () => ["pong"]));
    await intruder.proveAlive();
  },
  { limits: { messageBurst: 2_000 } }, // all may come in one turn
);

for (
  const [what, offered] of [
    ["no subprotocol", undefined],
    ["an unknown subprotocol", "chat"],
    ["a wrong version", "trunkline.v0.json, trunkline.v2.json"],
    ["a subprotocol in capitals", "TRUNKLINE.V1.JSON"],
    ["a subprotocol that breaks the header", "trunkline.v1.json;x, (trunkline)"],
  ] as const
) {
  hostileTest(`${what} is refused with 4503, which names the spoken protocols`, async ({ intrude }) => {
    const intruder = await intrude({ "Sec-WebSocket-Protocol": offered });
    const { code, reason } = await intruder.closed();
    assertEquals(code, 4503);
    assert(reason.includes("trunkline.v1.json"), reason);
    intruder.send(["hello", { role: "member" }]);
    assertEquals(intruder.heard, []);
  });
}

hostileTest("a known subprotocol among unknown ones is taken", async ({ intrude }) => {
  const intruder = await intrude({ "Sec-WebSocket-Protocol": "chat, trunkline.v9.json,trunkline.v1.json" });
  assertEquals(intruder.raw.header("sec-websocket-protocol"), "trunkline.v1.json");
  await (await intruder.enter()).proveAlive();
});

hostileTest("clients that vanish at every stage leave nothing behind", async ({ intrude, enter, hub }) => {
  for (const how of ["finish", "reset"] as const) {
    const stages = [await intrude(), await intrude(), await enter(), await enter(), await enter()];
    stages[1]!.send(["hello", { role: "member" }]);
    stages[3]!.send(["sub", 1, "open/1"], ["sub", 2, "log/1"], ["req", 3, "wait", {}], ["sig", "dawdle"]);
    stages[4]!.raw.socket.write(Uint8Array.of(0x81, 0xfe, 0xff));
    for (const { raw } of stages) raw[how]();
  }
  await waitFor(() => hub.stats().connections + hub.stats().handshakes === 1, { what: "them to be gone" });
  const { subscriptions, handling, asking } = hub.stats();
  assertEquals([subscriptions, handling, asking], [0, 0, 0]);
});
