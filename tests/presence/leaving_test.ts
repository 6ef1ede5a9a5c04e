import { assertEquals } from "@std/assert";
import { Leaving } from "../../hub/presence/leaving.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { entry } from "./followed.ts";
import { LocalSource } from "./local_source.ts";

const ROOM = "room:lobby";

function scene({ leaveAfterMs = 1_000, maxLeaving }: { leaveAfterMs?: number; maxLeaving?: number } = {}) {
  const clock = new FakeClock();
  const source = new LocalSource();
  const leaving = new Leaving({ source, clock, leaveAfterMs, maxLeaving });
  const enter = (id: string, user?: string, node?: string) =>
    source.place(ROOM).put(entry(id, user, undefined, node));
  const present = () => [...source.place(ROOM).entries()].map(({ id }) => id);
  const turn = () => new Promise<void>((resolve) => clock.endOfTurn(resolve));
  const assertEmpty = () => assertEquals([leaving.size, source.following, clock.pending], [0, 0, 0]);
  return { clock, source, leaving, enter, present, turn, assertEmpty };
}

test("leaving: a connection that is gone counts as present for leaveAfterMs", () => {
  const { clock, leaving, enter, present, assertEmpty } = scene();
  enter("c1", "ann");
  leaving.add(ROOM, { id: "c1", user: "ann" });
  clock.advance(500);
  enter("c2", "bob");
  leaving.add(ROOM, { id: "c2", user: "bob" });
  clock.advance(499);
  assertEquals(present(), ["c1", "c2"]);
  clock.advance(1);
  assertEquals(present(), ["c2"]);
  clock.advance(500);
  assertEquals(present(), []);
  assertEmpty();
});

test("leaving: it goes at once when its user is there again, on any node", async () => {
  for (const node of ["n1", "n2"]) {
    const { leaving, enter, present, turn, assertEmpty } = scene();
    enter("c1", "ann");
    leaving.add(ROOM, { id: "c1", user: "ann" });
    enter("c2", "bob");
    await turn();
    assertEquals(present(), ["c1", "c2"]);
    enter("c3", "ann", node);
    await turn();
    assertEquals(present(), ["c2", "c3"]);
    assertEmpty();
  }
});

test("leaving: a user that was back only for a moment still has its time", async () => {
  const { source, clock, leaving, enter, present, turn, assertEmpty } = scene();
  enter("c1", "ann");
  leaving.add(ROOM, { id: "c1", user: "ann" });
  enter("c2", "ann");
  leaving.add(ROOM, { id: "c2", user: "ann" });
  await turn();
  assertEquals([present(), source.told], [["c1"], ["drop room:lobby c2"]]);
  clock.advance(1_000);
  assertEquals(present(), []);
  assertEmpty();
});

test("leaving: it goes at once when its user is there with another connection, and when it is anonymous", () => {
  const { leaving, enter, present, assertEmpty } = scene();
  enter("c1", "ann");
  enter("c2", "ann");
  enter("c3");
  leaving.add(ROOM, { id: "c1", user: "ann" });
  leaving.add(ROOM, { id: "c3", user: undefined });
  assertEquals(present(), ["c2"]);
  assertEmpty();
});

test("leaving: without a time all go at once", () => {
  const { leaving, enter, present, assertEmpty } = scene({ leaveAfterMs: 0 });
  enter("c1", "ann");
  leaving.add(ROOM, { id: "c1", user: "ann" });
  assertEquals(present(), []);
  assertEmpty();
});

test("leaving: beyond the bound the one that has waited longest goes at once", () => {
  const { clock, leaving, enter, present, assertEmpty } = scene({ maxLeaving: 2 });
  for (const user of ["ann", "bob", "cat"]) {
    enter(`${user}'s`, user);
    leaving.add(ROOM, { id: `${user}'s`, user });
    clock.advance(1);
  }
  assertEquals([present(), leaving.size], [["bob's", "cat's"], 2]);
  clock.advance(1_000);
  assertEquals(present(), []);
  assertEmpty();
});

test("leaving: nothing of it outlives a close", () => {
  const { leaving, enter, assertEmpty } = scene();
  enter("c1", "ann");
  leaving.add(ROOM, { id: "c1", user: "ann" });
  leaving.close();
  assertEmpty();
});

test("leaving: a user that was never present is not waited for, however often", () => {
  const { clock, leaving, enter, present, assertEmpty } = scene();
  for (const id of ["c1", "c2"]) leaving.add(ROOM, { id, user: "ann" });
  assertEmpty();
  enter("c3", "ann");
  for (const id of ["c1", "c3"]) leaving.add(ROOM, { id, user: "ann" });
  assertEquals(present(), ["c3"]);
  clock.advance(1_000);
  assertEquals(present(), []);
  assertEmpty();
});

test("leaving: after a close no user is waited for", () => {
  const { leaving, enter, present, assertEmpty } = scene();
  enter("c1", "ann");
  leaving.close();
  leaving.add(ROOM, { id: "c1", user: "ann" });
  assertEquals(present(), []);
  assertEmpty();
});

test("leaving: if two connections on two nodes are gone at once, one stays, before either node knows of the other", () => {
  for (const own of ["c1", "c2"]) {
    const { leaving, enter, present } = scene();
    enter("c1", "ann", "n1");
    enter("c2", "ann", "n2");
    leaving.add(ROOM, { id: own, user: "ann" });
    assertEquals(present(), own === "c1" ? ["c2"] : ["c1", "c2"]);
    leaving.close();
  }
});

test("leaving: the time of a connection beside another node's starts again when that one has left", () => {
  const { clock, source, leaving, enter, present, assertEmpty } = scene();
  enter("c1", "ann", "n2");
  enter("c2", "ann");
  leaving.add(ROOM, { id: "c2", user: "ann" });
  clock.advance(900);
  source.place(ROOM).drop("c1");
  clock.advance(999);
  assertEquals(present(), ["c2"]);
  clock.advance(1);
  assertEquals(present(), []);
  enter("c3", "ann", "n2");
  enter("c4", "ann");
  leaving.add(ROOM, { id: "c4", user: "ann" });
  clock.advance(1_000);
  assertEquals(present(), ["c3"]);
  assertEmpty();
});

test("leaving: a connection of a dead node that is still shown does not count as present", () => {
  const { clock, leaving, enter, present, assertEmpty } = scene();
  enter("c1", "ann");
  enter("c2", "ann", "gone");
  leaving.add(ROOM, { id: "c1", user: "ann" });
  assertEquals(present(), ["c1", "c2"]);
  clock.advance(1_000);
  assertEquals(present(), ["c2"]);
  assertEmpty();
});
