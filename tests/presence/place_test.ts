import { assertEquals } from "@std/assert";
import { memberOf, Place, type PresenceEntry } from "../../hub/presence/place.ts";
import { test } from "../harness.ts";

const entry = (id: string, at: number, state?: unknown): PresenceEntry => ({
  id,
  user: "ann",
  node: "n",
  state,
  at,
});

test("place: of a user's connections the one with the newest state shows, and one without a state hides none", () => {
  const place = new Place("room:a");
  const shown = () => place.member("user", "ann")?.id;
  place.put(entry("n.1", 1));
  place.put(entry("n.2", 2));
  assertEquals(shown(), "n.2");
  place.put(entry("n.1", 3, "first"));
  place.put(entry("n.3", 4));
  assertEquals(shown(), "n.1");
  place.put(entry("n.2", 5, null));
  assertEquals([shown(), place.of("ann").map(({ id }) => id)], ["n.2", ["n.2", "n.1", "n.3"]]);
  place.drop("n.2");
  assertEquals(shown(), "n.1");
});

test("place: count, members and changes agree, whatever users and connections are called", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const names = ["a", "b", "c", "__proto__"];
  const place = new Place("room:r");
  const heard = new Set<string>();
  place.onChange(({ before, after, showed }) => {
    const id = memberOf((after ?? before)!);
    assertEquals(heard.has(id), showed !== undefined);
    if (place.member("user", id)) heard.add(id);
    else heard.delete(id);
  });
  for (let i = 0; i < 3_000; i++) {
    const id = names[random(4)]!;
    const user = [undefined, ...names][random(5)];
    if (random(3) === 0) place.drop(id);
    else place.put({ id, user, node: "n1", state: undefined, at: i });
    const members = [...place.members("user")].map(memberOf);
    assertEquals(members.toSorted(), [...heard].sort());
    assertEquals(place.count("user"), heard.size);
  }
});
