import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HubError } from "../../contract/mod.ts";
import { decodeBus } from "../../hub/backplane/bus_wire.ts";
import { presenceMessage } from "../contract/arbitraries.ts";
import { assertPrototypesUntouched, runs } from "../contract/runs.ts";
import { test } from "../harness.ts";
import { entry, GossipNetwork, HEARTBEAT_MS, kindOf, known, type Letter } from "./gossip_network.ts";

function pair() {
  const network = new GossipNetwork();
  const a = network.start("a");
  const b = network.start("b");
  return { network, a, b };
}

/** All that were sent of a kind. */
const ofKind = ({ sent }: GossipNetwork, kind: string) => sent.filter((letter) => kindOf(letter) === kind);

test("gossip: what happens on one node shows on itself at once, and on the others after one message a turn", () => {
  const { network, a, b } = pair();
  network.sent.length = 0;
  a.put("room:a", entry("a", 1, { name: "Ann" }));
  a.put("room:a", entry("a", 2));
  a.put("room:a", entry("a", 1, { name: "Anna" }));
  a.put("topic:t", entry("a", 3, null));
  a.drop("room:a", "a.2");
  assertEquals(known(a), [["a.1", { name: "Anna" }]]);
  assertEquals(known(b), []);
  network.run();
  assertEquals(known(b), [["a.1", { name: "Anna" }]]);
  assertEquals(known(b, "topic:t"), [["a.3", null]]);
  const [shown] = b.page("room:a", { by: "user", limit: 1 }).entries;
  assertEquals({ ...shown, at: 0 }, { ...entry("a", 1, { name: "Anna" }), at: 0 });
  assertEquals(network.sent.map(kindOf), ["pd"]);
});

test("gossip: a node that comes knows everybody at once, without a heartbeat, and is whole then", async () => {
  const { network, a, b } = pair();
  a.put("room:a", entry("a", 1));
  b.put("room:a", entry("b", 1));
  network.run();
  const c = network.start("c");
  const followed = c.follow("room:a");
  assertEquals(known(c), [["a.1", undefined], ["b.1", undefined]]);
  assertEquals([followed.whole, c.count("room:a", "connection"), c.count("room:a", "user")], [true, 2, 1]);
  await followed.ready;
});

test("gossip: a place is whole only when every node that was there at the start has told what it has", () => {
  const { network, a } = pair();
  a.put("room:a", entry("a", 1));
  const kept: Letter[] = [];
  network.fate = (letter) => letter.to === "c" && letter.from === "a" ? (kept.push(letter), []) : [letter];
  const c = network.start("c");
  const { whole } = c.follow("room:a");
  assertEquals(whole, false);
  const seen: boolean[] = [];
  c.follow("room:b").onWhole((whole) => seen.push(whole));
  for (const letter of kept) network.bring(letter);
  assertEquals([c.follow("room:a").whole, seen, known(c)], [true, [true], [["a.1", undefined]]]);
  const d = network.start("d"); // whoever comes later takes nothing of that back
  d.put("room:a", entry("d", 1));
  assertEquals([c.follow("room:a").whole, seen], [true, [true]]);
});

test("gossip: a node that is awaited, and goes, is awaited no more", () => {
  const { network } = pair();
  network.fate = (letter) => letter.from === "a" ? [] : [letter];
  const c = network.start("c");
  const followed = c.follow("room:a");
  assertEquals(followed.whole, false);
  network.kill("a");
  assertEquals(followed.whole, true);
});

test("gossip: a node that never says anything of presence is not awaited for ever, nor asked", () => {
  const network = new GossipNetwork();
  const a = network.add("a");
  a.reachable(true);
  a.join("old");
  a.start();
  network.advance(10 * HEARTBEAT_MS);
  assertEquals(a.follow("room:a").whole, true);
  assertEquals([ofKind(network, "pq").length, a.sizes.questions], [5, 0]);
});

test("gossip: a lost change is noticed with the next one, and asked for once", () => {
  const { network, a, b } = pair();
  network.fate = () => [];
  a.put("room:a", entry("a", 1));
  network.run();
  network.fate = (letter) => [letter];
  network.sent.length = 0;
  a.put("room:a", entry("a", 2));
  a.put("room:a", entry("a", 3));
  network.run();
  assertEquals(known(b).map(([id]) => id), ["a.1", "a.2", "a.3"]);
  assertEquals(network.sent.map(kindOf), ["pd", "pq", "pa", "pd"]);
});

test("gossip: a lost change that is the last one is noticed with the next heartbeat", () => {
  const { network, a, b } = pair();
  a.put("room:a", entry("a", 1));
  network.run();
  network.fate = () => [];
  a.drop("room:a", "a.1");
  network.run();
  network.fate = (letter) => [letter];
  assertEquals(known(b).length, 1);
  network.advance(HEARTBEAT_MS);
  assertEquals(known(b), []);
});

test("gossip: changes that come twice, late or out of order do no harm", () => {
  const { network, a, b } = pair();
  const kept: Letter[] = [];
  network.fate = (letter) =>
    kindOf(letter) === "pd" && letter.to === null ? (kept.push(letter), []) : [letter];
  for (let i = 0; i < 4; i++) {
    a.put("room:a", entry("a", 1, i));
    network.run();
  }
  a.drop("room:a", "a.1");
  network.run();
  a.put("room:a", entry("a", 2));
  network.run();
  network.fate = (letter) => kindOf(letter) === "pq" ? [] : [letter]; // nobody helps
  for (const i of [3, 1, 5, 0, 1, 2, 4, 0, 5]) network.bring(kept[i]!);
  assertEquals(known(b), [["a.2", undefined]]);
});

test("gossip: questions that get no answer are asked again, ever more seldom, one at a time", () => {
  const { network, a, b } = pair();
  network.fate = () => [];
  a.put("room:a", entry("a", 1));
  network.run();
  network.fate = (letter) => kindOf(letter) === "pq" ? [] : [letter];
  network.sent.length = 0;
  network.advance(10 * HEARTBEAT_MS);
  const asked = ofKind(network, "pq").filter(({ from }) => from === "b").length;
  assert(asked >= 9 && asked <= 14, `${asked} questions in 10 heartbeats`);
  assertEquals(b.sizes.questions, 1);
  network.fate = (letter) => [letter];
  network.advance(HEARTBEAT_MS);
  assertEquals([known(b).length, b.sizes.questions], [1, 0]);
});

test("gossip: the entries of a node that is gone leave, and come once when it is back", () => {
  const { network, a, b } = pair();
  const changes: string[] = [];
  b.follow("room:a").place.onChange(({ before, after }) =>
    void changes.push(`${before ? before.id : "-"} ${after ? after.id : "-"}`)
  );
  a.put("room:a", entry("a", 1));
  network.run();
  b.leave("a");
  assertEquals([known(b), b.sizes.nodes], [[], 0]);
  a.put("room:a", entry("a", 2)); // nobody believes it yet
  network.run();
  network.advance(HEARTBEAT_MS);
  assertEquals(known(b), []);
  b.join("a");
  network.run();
  assertEquals(changes, ["- a.1", "a.1 -", "- a.1", "- a.2"]);
});

test("gossip: with leaveAfterMs users of a node that is gone stay for a while, others go at once", () => {
  const network = new GossipNetwork();
  const a = network.start("a");
  const b = network.start("b", { leaveAfterMs: 500 });
  a.put("room:a", entry("a", 1, 1));
  a.put("room:a", { ...entry("a", 2), user: undefined });
  a.put("room:a", entry("a", 3, 1, "both"));
  a.put("room:a", entry("a", 4, 1, "moves"));
  b.put("room:a", entry("b", 1, 2, "both"));
  network.run();
  const leaves: string[] = [];
  b.follow("room:a").place.onChange(({ before, after }) => void (after || leaves.push(before!.id)));
  network.kill("a");
  assertEquals(known(b).map(([id]) => id), ["a.1", "a.4", "b.1"]);
  b.put("room:a", entry("b", 2, 3, "moves"));
  assertEquals(known(b).map(([id]) => id), ["a.1", "b.1", "b.2"]);
  network.advance(500);
  assertEquals([leaves, b.sizes.nodes], [["a.2", "a.3", "a.4", "a.1"], 0]);
});

test("gossip: a node that is back before leaveAfterMs has passed has not left", () => {
  const network = new GossipNetwork();
  const a = network.start("a");
  const b = network.start("b", { leaveAfterMs: 500 });
  a.put("room:a", entry("a", 1));
  a.put("room:a", entry("a", 2));
  network.run();
  const changes: unknown[] = [];
  b.follow("room:a").place.onChange((change) => changes.push(change));
  b.leave("a");
  a.drop("room:a", "a.2");
  network.run();
  b.join("a");
  network.run();
  network.advance(2_000);
  assertEquals(known(b), [["a.1", undefined]]);
  assertEquals(changes.length, 1);
});

test("gossip: a large state travels in pages below the limit, whatever is lost, doubled or swapped", () => {
  const network = new GossipNetwork();
  network.maxMessageBytes = 2_048;
  const a = network.start("a");
  const count = 2_000;
  for (let i = 0; i < count; i++) a.put(`room:${i % 3}`, entry("a", i, { name: `name of ${i}` }));
  for (let i = 0; i < count; i += 2) a.drop(`room:${i % 3}`, `a.${i.toString(36)}`);
  network.run();
  let random = 7;
  const chance = (of: number) => (random = random * 48_271 % 2_147_483_647) % of === 0;
  const back: Letter[] = [];
  network.fate = (letter) => {
    if (kindOf(letter) !== "pp") return [letter];
    if (chance(4)) return [];
    if (chance(4)) return [letter, letter];
    if (chance(4)) return (back.push(letter), []);
    return [...back.splice(0), letter];
  };
  const b = network.start("b");
  network.advance(60 * HEARTBEAT_MS);
  for (let i = 0; i < 3; i++) assertEquals(known(b, `room:${i}`), known(a, `room:${i}`));
  const pages = ofKind(network, "pp");
  assert(pages.length > 64, `${pages.length} pages`);
  for (const { text } of network.sent) assert(text.length <= 1_024, `${text.length} bytes`);
});

test("gossip: what changes while a large state is under way is not lost", () => {
  const network = new GossipNetwork();
  network.maxMessageBytes = 2_048;
  const a = network.start("a");
  for (let i = 0; i < 3_000; i++) a.put("room:a", entry("a", i, i));
  for (let i = 0; i < 1_500; i++) a.put("room:a", entry("a", i, -i));
  network.run();
  let changes = 0;
  network.fate = (letter) => {
    if (kindOf(letter) === "pp" && changes < 1_000) {
      a.put("room:a", entry("a", 5_000 + changes, "new"));
      a.drop("room:a", `a.${(changes * 2).toString(36)}`);
      changes++;
    }
    return [letter];
  };
  const b = network.start("b");
  network.advance(5 * HEARTBEAT_MS);
  assert(changes > 50, `${changes} changes`);
  assertEquals(known(b), known(a));
  assertEquals(b.sizes.questions, 0);
});

test("gossip: many nodes that ask at once share the pages, and are sent them in one message", () => {
  const network = new GossipNetwork();
  network.maxMessageBytes = 16_384;
  const a = network.start("a");
  for (let i = 0; i < 3_000; i++) a.put("room:a", entry("a", i));
  for (let i = 0; i < 1_100; i++) a.drop("room:a", `a.${i.toString(36)}`);
  network.run();
  const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
  for (const name of names) network.start(name);
  for (const name of names) {
    const node = network.nodes.get(name)!;
    node.leave("a");
    node.join("a");
  }
  network.sent.length = 0;
  network.run();
  for (const name of names) assertEquals(known(network.nodes.get(name)!).length, 1_900);
  const pages = ofKind(network, "pp");
  const [, , , total] = JSON.parse(pages[0]!.text);
  assertEquals([pages.length, new Set(pages.map(({ to }) => to))], [total, new Set([null])]);
});

test("gossip: whoever is behind by more than is remembered gets the whole state, and those who left are gone", () => {
  const { network, a, b } = pair();
  for (let i = 0; i < 10; i++) a.put("room:a", entry("a", i, "old"));
  network.run();
  const changes: unknown[] = [];
  b.follow("room:a").place.onChange((change) => changes.push(change));
  network.fate = () => [];
  for (let i = 0; i < 5; i++) a.drop("room:a", `a.${i}`);
  a.put("room:a", entry("a", 9, "new"));
  for (let i = 0; i < 3_000; i++) {
    a.put("room:b", entry("a", 100));
    a.drop("room:b", "a.2s");
  }
  network.run();
  network.fate = (letter) => [letter];
  network.advance(HEARTBEAT_MS);
  assertEquals(ofKind(network, "pp").length, 1);
  assertEquals(known(b), known(a));
  assertEquals(changes.length, 6); // those who are as they were are no news
});

test("gossip: what was missed is asked for at once until there is no more, where one answer cannot hold it", () => {
  const { network, a, b } = pair();
  network.maxMessageBytes = 2_048;
  network.fate = () => [];
  for (let i = 0; i < 900; i++) a.put("room:a", entry("a", i, "some state"));
  network.run();
  network.fate = (letter) => [letter];
  network.sent.length = 0;
  b.missed();
  network.run();
  assertEquals(known(b), known(a));
  assert(ofKind(network, "pq").length > 2, `${ofKind(network, "pq").length} questions`);
  assertEquals([ofKind(network, "pp").length, b.sizes.questions], [0, 0]);
});

test("gossip: a node whose answers bring nothing is asked ever more seldom", () => {
  const { network, b } = pair();
  b.join("evil");
  let asked = 0;
  network.fate = (letter) => {
    if (letter.to === "evil" && asked++ < 1_000) {
      return [{ from: "evil", to: "b", text: '["pa",5,0]' }, {
        from: "evil",
        to: "b",
        text: '["pp",5,0,2,0]',
      }];
    }
    return [letter];
  };
  network.advance(10 * HEARTBEAT_MS);
  assert(asked > 5 && asked < 40, `${asked} questions`);
});

test("gossip: more changes in a turn than are remembered arrive all the same", () => {
  const { network, a, b } = pair();
  for (let i = 0; i < 5_000; i++) a.put("room:a", entry("a", i));
  for (let i = 0; i < 4_990; i++) a.drop("room:a", `a.${i.toString(36)}`);
  network.run();
  assertEquals(known(b), known(a));
  assertEquals(ofKind(network, "pp").length, 0);
});

test("gossip: after an outage all nodes are asked, and nothing is whole until they have answered", () => {
  const { network, a, b } = pair();
  const seen: boolean[] = [];
  const followed = b.follow("room:a");
  followed.onWhole((whole) => seen.push(whole));
  b.reachable(false);
  network.fate = () => [];
  a.put("room:a", entry("a", 1));
  network.run();
  network.fate = (letter) => [letter];
  assertEquals([followed.whole, known(b)], [false, []]);
  b.reachable(true);
  assertEquals(followed.whole, false);
  network.run();
  assertEquals([followed.whole, seen, known(b)], [true, [false, true], [["a.1", undefined]]]);
});

test("gossip: what may have been missed is asked for, without an outage", () => {
  const { network, a, b } = pair();
  network.fate = () => [];
  a.put("room:a", entry("a", 1));
  network.run();
  network.fate = (letter) => [letter];
  b.missed();
  network.run();
  assertEquals(known(b), [["a.1", undefined]]);
});

test("gossip: a state that the others cannot be told is refused, and nothing has happened", () => {
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

test("gossip: of a user's states that which was set last shows, on every node alike", () => {
  const { network, a, b } = pair();
  const c = network.start("c");
  const far = 2 ** 33; // beyond what is kept in short
  for (const [at, first, second] of [[5, 1, 2], [-far, far, 0], [far, -7, -8], [0, far, far + 1]] as const) {
    for (const [node, id, time] of [[a, "a", at], [b, "b", at + first], [c, "c", at + second]] as const) {
      node.put("room:a", { ...entry(id, 1, time, "ann"), at: Date.UTC(2026, 0, 1) + time });
    }
    network.run();
    const last = at + Math.max(0, first, second);
    for (const node of [a, b, c]) {
      assertEquals(node.page("room:a", { by: "user", limit: 9 }).entries.map(({ state }) => state), [last]);
    }
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

test("gossip: a node that lies hurts nobody's entries but its own", () => {
  const { network, a, b } = pair();
  const say = (text: string) => network.bring({ from: "evil", to: null, text });
  a.put("room:a", entry("a", 1));
  network.run();
  say('["pd",0,1,0,"room:a",["1","stranger"]]'); // nobody knows it
  assertEquals(known(b).length, 1);
  b.join("evil");
  say(`["pv",${Number.MAX_SAFE_INTEGER}]`);
  say(`["pp",9,0,${Number.MAX_SAFE_INTEGER},0,"room:a",["1"],["a.1"],["__proto__","x",1]]`);
  say(`["pp",9,7,8,0,"room:a",["2"]]`);
  say(`["pd",0,5,0,"room:a",["..",null],["a.1"]]`);
  for (let i = 0; i < 1_000; i++) say(`["pd",${10 + i * 2},1,0,"room:a",["${i}",null]]`);
  for (let i = 0; i < 10; i++) say('["pq",99,99,99]');
  network.advance(20 * HEARTBEAT_MS);
  assertEquals(known(b), [["a.1", undefined], ["evil...", undefined], ["evil.__proto__", 1]]);
  b.leave("evil");
  assertEquals([known(b), b.sizes.nodes], [[["a.1", undefined]], 1]);
});

test("gossip: whatever a node says, the entries of others stay, and all of its own go with it", () => {
  fc.assert(
    fc.property(fc.array(presenceMessage, { maxLength: 40 }), (messages) => {
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

test("gossip: nothing is left when everybody has left and all other nodes are gone", () => {
  const { network, a, b } = pair();
  const followed = a.follow("room:a");
  for (const [node, id] of [[a, "a"], [b, "b"]] as const) {
    for (let i = 0; i < 2_000; i++) node.put(`room:${i}`, entry(id, i));
  }
  network.run();
  assertEquals(a.sizes, { places: 2_001, nodes: 1, questions: 0, own: 2_000 });
  for (let i = 0; i < 2_000; i++) a.drop(`room:${i}`, `a.${i.toString(36)}`);
  network.kill("b");
  followed.release();
  followed.release();
  assertEquals(a.sizes, { places: 0, nodes: 0, questions: 0, own: 0 });
  a.close();
  network.run();
  assertEquals(network.pending, 0);
});

test("gossip: a source that is closed before it is whole says so, and holds no timer", async () => {
  const network = new GossipNetwork();
  const a = network.start("a", { leaveAfterMs: 1_000 });
  a.join("b");
  a.join("c");
  a.leave("b");
  a.put("room:a", entry("a", 1));
  const d = network.add("d");
  d.join("a");
  const { ready } = d.follow("room:a");
  d.close();
  a.close();
  a.put("room:a", entry("a", 1));
  a.join("x");
  a.missed();
  network.run();
  assertEquals([network.pending, a.sizes.nodes], [0, 0]);
  assertEquals(await ready.catch((error) => error.code), "UNAVAILABLE");
});

test("gossip: where no other node can be reached nothing is sent, and all is whole", () => {
  const network = new GossipNetwork();
  const a = network.add("a", { solitary: true });
  const { whole } = a.follow("room:a");
  a.start();
  a.put("room:a", entry("a", 1));
  network.advance(3 * HEARTBEAT_MS);
  assertEquals([whole, a.follow("room:a").whole, network.sent], [false, true, []]);
  a.close();
});

test("gossip: a node that is alone sends no changes, and one that has none no version", () => {
  const network = new GossipNetwork();
  const a = network.start("a");
  a.put("room:a", entry("a", 1));
  network.run();
  assertEquals(network.sent, []);
  const b = network.start("b");
  network.sent.length = 0;
  network.advance(HEARTBEAT_MS);
  assertEquals(network.sent.map(({ from, text }) => [from, text]), [["a", '["pv",1]']]);
  assertEquals(known(b), known(a));
});
