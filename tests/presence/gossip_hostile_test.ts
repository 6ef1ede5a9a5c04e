import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HubError } from "../../contract/mod.ts";
import { decodeBus } from "../../hub/backplane/bus_wire.ts";
import { presenceMessage } from "../contract/arbitraries.ts";
import { assertPrototypesUntouched, runs } from "../contract/runs.ts";
import { test } from "../harness.ts";
import { entry, GossipNetwork, HEARTBEAT_MS, known, pair } from "./gossip_network.ts";

test("gossip: a node whose answers contain nothing new is asked less and less often", () => {
  const { network, b } = pair();
  b.join("evil");
  let asked = 0;
  network.fate = (letter) => {
    if (letter.to === "evil" && asked++ < 1_000) {
      return [{ from: "evil", to: "b", text: '["pa",5,0]' }];
    }
    return [letter];
  };
  network.advance(10 * HEARTBEAT_MS);
  assert(asked > 5 && asked < 40, `${asked} questions`);
});

test("gossip: a state that cannot be sent to the others is refused, and nothing changes", () => {
  const { network, a, b } = pair();
  const error = assertThrows(() => a.put("room:a", entry("a", 1, "x".repeat(70_000))), HubError);
  assertEquals(error.code, "TOO_LARGE");
  assertEquals(error.data, { bytes: (error.data as { bytes: number }).bytes, maxBytes: 65_536 });
  network.maxMessageBytes = 4_096;
  assertEquals(
    assertThrows(() => a.put("room:a", entry("a", 1, "ü".repeat(1_000))), HubError).code,
    "TOO_LARGE",
  );
  assertEquals(
    assertThrows(() => a.put("room:a", entry("a", 1, { f() {} })), HubError).code,
    "BAD_REQUEST",
  );
  a.put("room:a", entry("a", 1, "ü".repeat(900)));
  network.run();
  assertEquals([known(a), known(b)], [known(b), [["a.1", "ü".repeat(900)]]]);
});

test("gossip: names like properties of prototypes, and of any letters, are names", () => {
  const { network, a, b } = pair();
  for (const name of ["__proto__", "constructor", "toString", "", 'say "hi"\\n', "ü\u{1f600}", "0"]) {
    a.put(name, entry("a", 1, { constructor: name }, name));
    network.run();
    const { entries, count } = b.page(name, { by: "user", limit: 9 });
    assertEquals([entries.map(({ user, state }) => [user, state]), count], [
      [[name, { constructor: name }]],
      1,
    ]);
    a.drop(name, "a.1");
    network.run();
    assertEquals(b.count(name, "user"), 0);
  }
});

test("gossip: bytes in a state arrive as bytes", () => {
  const { network, a, b } = pair();
  a.put("room:a", entry("a", 1, { avatar: new Uint8Array([1, 2, 3]), $bytes: "no" }));
  network.run();
  assertEquals(known(b), [["a.1", { avatar: new Uint8Array([1, 2, 3]), $bytes: "no" }]]);
});

test("gossip: a state that does not fit the schema is reported, and its connection is there without one", () => {
  const network = new GossipNetwork();
  const a = network.start("a");
  const b = network.start("b", {
    reader: (place) =>
      place === "room:none" ? undefined : (state) => {
        if (typeof state !== "number") throw new HubError("VALIDATION", "not a number");
        return state * 2;
      },
  });
  a.put("room:a", entry("a", 1, 21));
  a.put("room:a", entry("a", 2, "x"));
  a.put("room:a", entry("a", 3));
  a.put("room:none", entry("a", 3, 1));
  network.run();
  assertEquals(known(b), [["a.1", 42], ["a.2", undefined], ["a.3", undefined]]);
  assertEquals([b.count("room:none", "user"), b.sizes.places], [0, 1]);
  assertEquals(network.errors, ["room:a 1: not a number"]);
  a.put("room:a", entry("a", 4, 4));
  network.run();
  assertEquals(known(b).at(-1), ["a.4", 8]);
});

test("gossip: messages that are malformed are dropped, and reported", () => {
  const bad = [
    ["pd"],
    ["pd", 0, 1],
    ["pd", -1, 1, 0],
    ["pd", 0, 1.5, 0],
    ["pd", 2 ** 53 - 1, 1, 0],
    ["pd", 0, 1, "0"],
    ["pd", 0, 1, 0, ["1"]],
    ["pd", 0, 1, 0, 5, "room:a", ["1"]],
    ["pd", 0, 1, 0, "room:a", []],
    ["pd", 0, 1, 0, "room:a", [1]],
    ["pd", 0, 1, 0, "room:a", ["1", 2]],
    ["pd", 0, 1, 0, "room:a", ["1", "u", 1, 2]],
    ["pd", 0, 1, 0, "room:a", null],
    ["pd", 0, 1, 0, "room:a", { 0: "1" }],
    ["pd", 0, 1, 0, "room:a", 0.5],
    ["pp", 1, 0, 0, 0],
    ["pp", 1, 1, 1, 0],
    ["pp", 1, -1, 1, 0],
    ["pp", 1, 0, 1],
    ["pv"],
    ["pv", "1"],
    ["pv", -1],
    ["pa", 1],
    ["pa", null, 1],
    ["pq", 0, 0],
    ["pq", 0, 0, "0"],
  ];
  const refused: unknown[] = [];
  const read = decodeBus(JSON.stringify(bad), (_error, message) => refused.push(message));
  assertEquals([read, refused], [[], bad]);
  const good = [
    ["pd", 0, 0, 0],
    ["pd", 0, 1, -5, "room:a", ["1"], 5, ["2", null], "b", -7, ["3", "u", null]],
    ["pp", 1, 0, 1, 0],
    ["pv", 1],
    ["pa", 0, 0],
    ["pq", 0, 0, 0],
  ];
  assertEquals(decodeBus(JSON.stringify(good)) as unknown, good);
});

test("gossip: a node that lies damages only its own entries", () => {
  const { network, a, b } = pair();
  const say = (text: string) => network.bring({ from: "evil", to: null, text });
  a.put("room:a", entry("a", 1));
  network.run();
  say('["pd",0,1,0,"room:a",["1","stranger"]]'); // no node knows it
  assertEquals(known(b).length, 1);
  b.join("evil");
  say(`["pv",${Number.MAX_SAFE_INTEGER}]`);
  say(`["pp",9,0,${Number.MAX_SAFE_INTEGER},0,"room:a",["1"],["a.1"],["__proto__","x",1]]`);
  say(`["pp",9,7,8,0,"room:a",["2"]]`);
  say(`["pd",0,5,0,"room:a",["..",null],["a.1"]]`);
  for (let i = 0; i < 1_000; i++) say(`["pd",${10 + i * 2},1,0,"room:a",["${i}",null]]`);
  assert(b.sizes.early <= 64, `${b.sizes.early} early messages`);
  for (let i = 0; i < 10; i++) say('["pq",99,99,99]');
  network.advance(20 * HEARTBEAT_MS);
  assertEquals(known(b), [["a.1", undefined], ["evil...", undefined], ["evil.__proto__", 1]]);
  b.leave("evil");
  assertEquals([known(b), b.sizes.nodes], [[["a.1", undefined]], 1]);
});

test("gossip: whatever a node sends, the entries of others stay, and all of its own go with it", () => {
  fc.assert(
    fc.property(fc.array(presenceMessage, { maxLength: 40, size: "max" }), (messages) => {
      const { network, a, b } = pair();
      a.put("room:a", entry("a", 1, "mine"));
      network.run();
      b.join("evil");
      for (const message of messages) {
        network.bring({ from: "evil", to: null, text: JSON.stringify(message) });
        network.advance(100);
      }
      a.put("room:a", entry("a", 2));
      network.run();
      assertEquals(known(b).filter(([id]) => id.startsWith("a.")), [["a.1", "mine"], ["a.2", undefined]]);
      b.leave("evil");
      assertEquals([known(b).length, b.sizes.places, b.sizes.questions], [2, 1, 0]);
    }),
    runs(),
  );
  assertPrototypesUntouched();
});
