import { assertEquals } from "@std/assert";
import type { PresenceBy } from "../../contract/mod.ts";
import { Place } from "../../hub/presence/place.ts";
import { View, type ViewNews } from "../../hub/presence/view.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { entry, follow } from "./followed.ts";

interface SceneOptions {
  readonly by?: PresenceBy;
  readonly intervalMs?: number;
  readonly maxListed?: number;
  readonly maxListedBytes?: number;
  readonly whole?: boolean;
  readonly place?: Place;
}

function scene(options: SceneOptions = {}) {
  const { by = "user", intervalMs = 100, maxListed = 10, maxListedBytes = 10_000, whole = true, place } =
    options;
  const clock = new FakeClock();
  const followed = follow(place, whole);
  const news: ViewNews[] = [];
  const view = new View({
    followed,
    by,
    clock,
    intervalMs,
    patienceMs: 5_000,
    maxListed,
    maxListedBytes,
    tell: (one) => news.push(one),
  });
  const turn = () => new Promise<void>((resolve) => clock.endOfTurn(resolve));
  /** The events since the last call, in short. */
  const told = () => news.splice(0).map(short);
  return { clock, followed, place: followed.place, view, turn, told };
}

function short(news: ViewNews): string {
  switch (news.type) {
    case "changes":
      return [
        ...news.changes.map(({ type, member: { id, state } }) => `${type} ${id} ${state ?? "-"}`),
        news.count,
      ]
        .join(", ");
    case "all":
      return `all ${news.members.map(({ id }) => id).join(" ")}, ${news.count}`;
    case "count":
      return `count ${news.count}`;
    case "whole":
      return `whole ${news.whole}`;
  }
}

test("view: the first change is told at the end of the turn, later ones once per interval", async () => {
  const { clock, place, turn, told, view } = scene();
  place.put(entry("c1", "ann"));
  place.put(entry("c2", "bob"));
  assertEquals(told(), []);
  await turn();
  assertEquals(told(), ["join ann -, join bob -, 2"]);
  place.put(entry("c3", "cat"));
  await turn();
  clock.advance(99);
  place.drop("c1");
  await turn();
  assertEquals(told(), []);
  clock.advance(1);
  assertEquals(told(), ["join cat -, leave ann -, 2"]);
  clock.advance(100);
  assertEquals(clock.pending, 0); // quiet again
  place.drop("c2");
  await turn();
  assertEquals(told(), ["leave bob -, 1"]);
  view.close();
  assertEquals(clock.pending, 0);
});

test("view: a member that came and left in between is not mentioned, and one that left and came back only with another state", async () => {
  const { clock, place, turn, told } = scene();
  place.put(entry("c1", "ann", "here"));
  place.put(entry("c2", "bob", "here"));
  await turn();
  told();
  place.put(entry("c3", "cat"));
  place.drop("c3");
  place.drop("c1");
  place.put(entry("c4", "ann", "here"));
  place.drop("c2");
  place.put(entry("c5", "bob", "away"));
  clock.advance(100);
  assertEquals(told(), ["update bob away, 2"]);
});

test("view: several tabs of a user are one member, which shows the state that was set last", async () => {
  const { place, turn, told } = scene({ intervalMs: 0 });
  place.put(entry("c1", "ann", "one"));
  await turn();
  place.put(entry("c2", "ann", "two"));
  await turn();
  place.put(entry("c3", "ann", "two"));
  await turn();
  place.drop("c3");
  await turn();
  place.drop("c2");
  await turn();
  place.drop("c1");
  await turn();
  assertEquals(told(), ["join ann one, 1", "update ann two, 1", "update ann one, 1", "leave ann one, 0"]);
});

test("view: by connection each tab is a member, and so is each anonymous one by user", async () => {
  const tabs = scene({ by: "connection" });
  tabs.place.put(entry("c1", "ann"));
  tabs.place.put(entry("c2", "ann"));
  await tabs.turn();
  assertEquals(tabs.told(), ["join c1 -, join c2 -, 2"]);
  const { place, turn, told } = scene();
  place.put(entry("c1"));
  place.put(entry("c2"));
  await turn();
  assertEquals(told(), ["join c1 -, join c2 -, 2"]);
});

test("view: states are compared by content", async () => {
  const { place, turn, told } = scene({ intervalMs: 0 });
  place.put(entry("c1", "ann", { at: [1, 2] }));
  await turn();
  told();
  place.put(entry("c1", "ann", { at: [1, 2] }));
  await turn();
  assertEquals(told(), []);
  place.put(entry("c1", "ann", { at: [1, 3] }));
  await turn();
  assertEquals(told().length, 1);
  place.put(entry("c1", "ann", { at: [1, 3] }, "n2"));
  await turn();
  assertEquals(told().length, 1); // on another node
});

test("view: a connection that gets another user is another member", async () => {
  const { place, turn, told } = scene({ intervalMs: 0 });
  place.put(entry("c1", "ann"));
  await turn();
  place.put(entry("c1", "bob"));
  await turn();
  assertEquals(told(), ["join ann -, 1", "leave ann -, join bob -, 1"]);
});

test("view: a leave contains the state that the member had when it left", async () => {
  const { clock, place, turn, told } = scene();
  place.put(entry("c1", "ann", "one"));
  await turn();
  told();
  place.put(entry("c1", "ann", "two"));
  place.drop("c1");
  clock.advance(100);
  assertEquals(told(), ["leave ann two, 0"]);
});

test("view: a new viewer ends with the same members as those that were told everything", async () => {
  const { clock, place, turn, told, view } = scene();
  place.put(entry("c1", "ann", "x"));
  place.put(entry("c2", "bob", "x"));
  await turn();
  told();
  place.put(entry("c3", "cat")); // the newcomer is told of this one, which leaves before the others hear of it
  place.drop("c1"); // and not of this one, which is back before they hear that it left
  place.put(entry("c2", "bob", "y"));
  assertEquals(view.snapshot().members.map(({ id }) => id).sort(), ["bob", "cat"]);
  place.drop("c3");
  place.put(entry("c4", "ann", "x"));
  place.put(entry("c2", "bob", "x"));
  clock.advance(100);
  assertEquals(told(), ["leave cat -, update ann x, update bob x, 2"]);
});

test("view: above maxListed only the number is told, until there are fewer members than four fifths of it", async () => {
  const { clock, place, turn, told, view } = scene({ maxListed: 5 });
  for (let i = 0; i < 8; i++) place.put(entry(`c${i}`));
  await turn();
  assertEquals(told(), ["count 8"]);
  assertEquals(view.snapshot(), { listed: false, members: [], count: 8, whole: true });
  for (let i = 0; i < 4; i++) place.drop(`c${i}`);
  clock.advance(100);
  assertEquals(told(), ["count 4"]); // four are not fewer than four
  place.drop("c4");
  clock.advance(100);
  assertEquals(told(), ["all c5 c6 c7, 3"]);
  place.drop("c5");
  clock.advance(100);
  assertEquals(told(), ["leave c5 -, 2"]);
});

test("view: if the members are too large to be listed at once only their number is told, until they are smaller again", async () => {
  const { clock, place, turn, told, view } = scene({ maxListedBytes: 1_000 });
  const large = "x".repeat(400);
  place.put(entry("c1", "ann", large));
  place.put(entry("c2", "bob", large));
  await turn();
  assertEquals([told().length, view.snapshot().members.length], [1, 2]);
  place.put(entry("c3", "cat", large)); // the limit for changes: only the list for the newcomer is too large
  clock.advance(100);
  assertEquals(told(), [`join cat ${large}, 3`]);
  assertEquals(view.snapshot(), { listed: false, members: [], count: 3, whole: true });
  clock.advance(100);
  assertEquals(told(), ["count 3"]); // the others, too
  place.put(entry("c3", "cat", "small"));
  clock.advance(100);
  assertEquals(told(), ["count 3"]); // not much smaller
  place.put(entry("c2", "bob", "small"));
  clock.advance(100);
  assertEquals(told(), ["all ann cat bob, 3"]);
  // Changes may be too large as well.
  for (const [id, user] of [["c1", "ann"], ["c2", "bob"], ["c3", "cat"]] as const) {
    place.put(entry(id, user, large.toUpperCase()));
  }
  clock.advance(100);
  assertEquals(told(), ["count 3"]);
  for (const id of ["c1", "c2"]) place.drop(id);
  clock.advance(100);
  assertEquals(told(), ["all cat, 1"]);
  view.close();
});

test("view: a list that was too large for a moment is sent again as a whole", async () => {
  const { clock, place, turn, told } = scene({ maxListed: 2 });
  place.put(entry("c1"));
  await turn();
  told();
  place.put(entry("c2"));
  place.put(entry("c3"));
  place.drop("c1");
  place.drop("c2");
  clock.advance(100);
  assertEquals(told(), ["all c3, 1"]);
});

test("view: until all members are known nothing is told, and then only changes", async () => {
  const place = new Place("room:r");
  place.put(entry("c1", "ann"));
  const { followed, told, turn, view } = scene({ place, whole: false });
  place.put(entry("c2", "bob"));
  await turn();
  assertEquals([view.begun, told()], [false, []]);
  followed.be(true);
  await view.ready;
  place.put(entry("c3", "cat"));
  await turn();
  assertEquals([view.begun, told()], [true, ["join cat -, 3"]]);
  place.drop("c3");
  followed.be(false);
  assertEquals(told(), ["leave cat -, 2", "whole false"]);
  followed.be(true);
  assertEquals(told(), ["whole true"]);
});

test("view: a view that has waited long enough begins with the known members", async () => {
  const place = new Place("room:r");
  place.put(entry("c1", "ann"));
  const { clock, followed, told, turn, view } = scene({ place, whole: false });
  clock.advance(5_000);
  await view.ready;
  assertEquals(view.snapshot().whole, false);
  place.put(entry("c2", "bob"));
  await turn();
  followed.be(true);
  assertEquals(told(), ["join bob -, 2", "whole true"]);
  view.close();
  assertEquals(clock.pending, 0);
  const closed = scene({ whole: false });
  closed.view.close();
  assertEquals(closed.clock.pending, 0);
});

test("view: a closed view reports nothing and holds nothing", async () => {
  const { clock, followed, place, told, turn, view } = scene();
  place.put(entry("c1", "ann"));
  view.close();
  view.close();
  await turn();
  place.put(entry("c2", "bob"));
  await turn();
  assertEquals([told(), followed.released, clock.pending], [[], 1, 0]);
});
