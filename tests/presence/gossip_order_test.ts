import { assert, assertEquals } from "@std/assert";
import type { GossipMessage } from "../../hub/presence/gossip/gossip.ts";
import { test } from "../harness.ts";
import { entry, GossipNetwork, known, ofKind, pair } from "./gossip_network.ts";

test("gossip: a late change does not undo a page of a later version", () => {
  const network = new GossipNetwork();
  const b = network.start("b");
  b.join("a");
  const hear = (...message: unknown[]) => b.hear(message as unknown as GossipMessage, "a");
  hear("pd", 0, 2, 5, "room:a", ["1", "ann", "first"], ["2", "bob", "first"]);
  hear("pp", 10, 0, 2, 9, "room:a", ["1", "ann", "tenth"]);
  hear("pd", 2, 3, 6, "room:a", ["1", "ann", "third"], ["2"], ["3", "cid", "fifth"]);
  assertEquals(known(b), [["a.1", "tenth"], ["a.3", "fifth"]]);
  hear("pd", 5, 1, 7, "room:a", ["1"]);
  assertEquals(known(b)[0], ["a.1", "tenth"], "it was there again in the version of the page");
  hear("pp", 10, 1, 2, 9, "room:a", ["4", "dan", "ninth"]);
  assertEquals(known(b), [["a.1", "tenth"], ["a.4", "ninth"]]);
  hear("pd", 10, 1, 10, "room:a", ["1", "ann", "eleventh"]);
  assertEquals(known(b)[0], ["a.1", "eleventh"]);
});

test("gossip: changes that reach beyond the pages under way count in full", () => {
  const network = new GossipNetwork();
  const b = network.start("b");
  b.join("a");
  const hear = (...message: unknown[]) => b.hear(message as unknown as GossipMessage, "a");
  hear("pp", 10, 0, 2, 9, "room:a", ["1", "ann", "tenth"]);
  hear("pd", 0, 11, 9, "room:a", ["1", "ann", "eleventh"], ["2", "bob", "second"]);
  assertEquals(known(b), [["a.1", "eleventh"], ["a.2", "second"]]);
  hear("pp", 10, 1, 2, 9, "room:a", ["3", "cid", "late"]);
  assertEquals(known(b), [["a.1", "eleventh"], ["a.2", "second"]]);
});

test("gossip: a node that counted as gone and comes back is never shown in an older state", () => {
  for (const leaveAfterMs of [0, 60_000]) {
    const { network, a, b } = pair();
    network.maxMessageBytes = 2_048;
    for (let i = 0; i < 3_000; i++) a.put("room:a", entry("a", i, "first"));
    network.run();
    const c = network.start("c", { leaveAfterMs }); // pages are written for it, and kept for a while
    assert(ofKind(network, "pp").length > 16);
    for (let i = 0; i < 10; i++) a.put("room:a", { ...entry("a", i, "second"), at: Date.UTC(2026, 0, 2) });
    network.run();
    const seen: unknown[] = [];
    c.follow("room:a").place.onChange(({ after }) => void (after?.id === "a.1" && seen.push(after.state)));
    c.leave("a");
    c.join("a");
    network.run();
    network.advance(2_000);
    assertEquals([known(c), seen.includes("first")], [known(a), false]);
    assertEquals(known(b), known(a));
  }
});
