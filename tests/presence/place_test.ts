import { assertEquals } from "@std/assert";
import { Place, type PresenceEntry } from "../../hub/presence/place.ts";
import { test } from "../harness.ts";

const entry = (id: string, at: number, state?: unknown): PresenceEntry => ({
  id,
  user: "ann",
  node: "n",
  state,
  at,
});

test("place: of a user's connections that with the newest state shows, and one without a state hides none", () => {
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
