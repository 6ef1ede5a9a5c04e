import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import {
  entry,
  GossipNetwork,
  HEARTBEAT_MS,
  kindOf,
  known,
  type Letter,
  ofKind,
  pair,
} from "./gossip_network.ts";

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

test("gossip: a large state travels in pages below the limit, even if pages are lost, doubled or swapped", () => {
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

test("gossip: changes while a large state is under way are not lost", () => {
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

test("gossip: most of the nodes that ask at once share the pages, and are sent them in one message", () => {
  const network = new GossipNetwork();
  network.maxMessageBytes = 16_384;
  const a = network.start("a");
  for (let i = 0; i < 3_000; i++) a.put("room:a", entry("a", i));
  for (let i = 0; i < 1_100; i++) a.drop("room:a", `a.${i.toString(36)}`);
  network.run();
  const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
  for (const name of names) network.start(name);
  for (const asking of [names.slice(0, 10), names.slice(0, 4)]) {
    for (const name of asking) {
      const node = network.nodes.get(name)!;
      node.leave("a");
      node.join("a");
    }
    network.sent.length = 0;
    network.run();
    for (const name of names) assertEquals(known(network.nodes.get(name)!).length, 1_900);
    const pages = ofKind(network, "pp");
    const [, , , total] = JSON.parse(pages[0]!.text);
    const to = new Set(pages.map((letter) => letter.to));
    // Of few that ask all others would have to read what they know.
    assertEquals(to, new Set(asking.length === 10 ? [null] : asking));
    assertEquals(pages.length, total * to.size);
  }
});

test("gossip: a node that has missed more changes than are remembered gets the whole state, and members that left are gone", () => {
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
  assertEquals(changes.length, 6); // unchanged members are not reported
});

test("gossip: missed changes are requested at once until there are no more, if one answer cannot hold them", () => {
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

test("gossip: more changes in a turn than are remembered still arrive", () => {
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

test("gossip: changes that may have been missed are requested, also without an outage", () => {
  const { network, a, b } = pair();
  network.fate = () => [];
  a.put("room:a", entry("a", 1));
  network.run();
  network.fate = (letter) => [letter];
  b.missed();
  network.run();
  assertEquals(known(b), [["a.1", undefined]]);
});

test("gossip: a version does not overtake the changes that made it", () => {
  const { network, a, b } = pair();
  network.sent.length = 0;
  a.put("room:a", entry("a", 1));
  network.tick(HEARTBEAT_MS); // the turn has not ended
  network.run();
  assertEquals(network.sent.map(kindOf), ["pd", "pv"]);
  assertEquals(known(b).length, 1);
});

test("gossip: a node that sends messages, but does not answer, is awaited as long as it is in the roster", () => {
  const { network, a } = pair();
  a.put("room:a", entry("a", 1));
  network.fate = (letter) => letter.to === "c" ? [] : [letter];
  const c = network.start("c");
  network.advance(20 * HEARTBEAT_MS);
  const followed = c.follow("room:a");
  assertEquals([followed.whole, c.sizes.questions], [false, 1]);
  network.fate = (letter) => [letter];
  network.advance(HEARTBEAT_MS);
  assertEquals([followed.whole, c.sizes.questions], [true, 0]);
});

/** A node with more entries than it remembers changes. */
function large(network: GossipNetwork, count = 2_000) {
  network.maxMessageBytes = 2_048;
  const a = network.start("a");
  for (let i = 0; i < count; i++) a.put("room:a", entry("a", i, "x".repeat(20)));
  network.run();
  return a;
}

/** The versions of the whole states that were sent. */
const versions = (network: GossipNetwork): readonly number[] => [
  ...new Set(ofKind(network, "pp").map(({ text }) => JSON.parse(text)[1] as number)),
];

test("gossip: pages under way continue as long as the changes meanwhile are remembered", () => {
  for (const [changes, expected] of [[1_500, [2_000]], [2_500, [2_000, 4_500]]] as const) {
    const network = new GossipNetwork();
    const a = large(network);
    let pages = 0;
    network.fate = (letter) => {
      if (kindOf(letter) !== "pp" || pages++ !== 15) return [letter];
      for (let i = 0; i < changes; i++) a.put("room:a", entry("a", i % 1_000, `changed ${i}`));
      return [letter];
    };
    const b = network.start("b");
    assertEquals(known(b), known(a));
    assertEquals(versions(network), expected);
  }
});

test("gossip: a whole state comes at once, however many pages it has", () => {
  const network = new GossipNetwork();
  const a = large(network);
  const b = network.start("b");
  assertEquals(known(b), known(a));
  const pages = ofKind(network, "pp").length;
  assertEquals(ofKind(network, "pq").filter(({ from }) => from === "b").length, Math.ceil(pages / 16));
});

test("gossip: a node that asks for the whole state later gets the same pages, and the changes since", () => {
  const network = new GossipNetwork();
  const a = large(network);
  network.start("b");
  const first = ofKind(network, "pp").map(({ text }) => text);
  a.drop("room:a", "a.1");
  network.run();
  network.sent.length = 0;
  const c = network.start("c");
  assert(first.length > 16);
  assertEquals(ofKind(network, "pp").map(({ text }) => text).join() === first.join(), true);
  assertEquals(known(c), known(a));
  network.sent.length = 0;
  for (let i = 0; i < 1_100; i++) a.put("room:a", entry("a", i, "another"));
  network.run();
  const d = network.start("d"); // they are too old by now
  assertEquals(known(d), known(a));
  assertEquals(versions(network), [3_101]);
  network.advance(20_000); // they are not kept
  network.sent.length = 0;
  a.drop("room:a", "a.2");
  network.start("e");
  assertEquals(versions(network), [3_102]);
});

test("gossip: a node that is behind learns that no member is left", () => {
  const { network, a, b } = pair();
  a.put("room:a", entry("a", 1));
  network.run();
  network.fate = () => [];
  for (let i = 0; i < 1_500; i++) a.put("room:a", entry("a", 1, i));
  a.drop("room:a", "a.1");
  network.run();
  network.fate = (letter) => [letter];
  network.advance(HEARTBEAT_MS);
  assertEquals([known(b), b.sizes.questions, ofKind(network, "pp").length], [[], 0, 1]);
});
