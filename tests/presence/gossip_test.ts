import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { entry, GossipNetwork, HEARTBEAT_MS, kindOf, known, type Letter, pair } from "./gossip_network.ts";

test("gossip: a change on one node shows there at once, and on the others after one message per turn", () => {
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

test("gossip: a new node knows all members at once, without a heartbeat, and is whole then", async () => {
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

test("gossip: a place is whole only when every node from the start has sent its members", () => {
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
  const d = network.start("d"); // a later node does not undo any of this
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
  network.fate = (letter) => kindOf(letter) === "pq" ? [] : [letter]; // no other node answers
  for (const i of [3, 1, 5, 0, 1, 2, 4, 0, 5]) network.bring(kept[i]!);
  assertEquals(known(b), [["a.2", undefined]]);
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
  a.put("room:a", entry("a", 2)); // no node accepts it yet
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

test("gossip: if nodes set states of a user at the same time, every node shows the one with the latest time", () => {
  const far = 2 ** 33; // beyond what is kept in short
  for (const [at, first, second] of [[5, 1, 2], [-far, far, 0], [far, -7, -8], [0, far, far + 1]] as const) {
    const { network, a, b } = pair();
    const c = network.start("c");
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

test("gossip: nothing is left when all members have left and all other nodes are gone", () => {
  const { network, a, b } = pair();
  const followed = a.follow("room:a");
  a.follow("room:a").release(); // there is still another follower
  assertEquals(a.sizes.places, 1);
  for (const [node, id] of [[a, "a"], [b, "b"]] as const) {
    for (let i = 0; i < 2_000; i++) node.put(`room:${i}`, entry(id, i));
  }
  network.run();
  assertEquals(a.sizes, { places: 2_001, nodes: 1, questions: 0, own: 2_000, early: 0 });
  for (let i = 0; i < 2_000; i++) a.drop(`room:${i}`, `a.${i.toString(36)}`);
  network.kill("b");
  followed.release();
  followed.release();
  assertEquals(a.sizes, { places: 0, nodes: 0, questions: 0, own: 0, early: 0 });
  a.close();
  network.run();
  assertEquals(network.pending, 0);
});

test("gossip: a source that is closed before it is whole reports this, and holds no timer", async () => {
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

test("gossip: of a user's states the one that was set last shows, however the clocks of nodes differ", () => {
  const { network, a, b } = pair();
  const shown = () => [a, b].map((node) => node.page("room:a", { by: "user", limit: 1 }).entries[0]!.state);
  a.put("room:a", { ...entry("a", 1, 1, "ann"), at: 9e12, state: 1 });
  network.run();
  b.put("room:a", { ...entry("b", 1, 1, "ann"), at: 5, state: 2 });
  network.run();
  assertEquals(shown(), [2, 2]);
  a.put("room:a", { ...entry("a", 1, 1, "ann"), at: 6, state: 3 });
  network.run();
  assertEquals(shown(), [3, 3]);
  a.put("room:a", { ...entry("a", 1, 1, "ann"), at: 7, state: undefined });
  network.run();
  assertEquals(shown(), [2, 2]);
});
