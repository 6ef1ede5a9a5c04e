import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { PresenceBy } from "../../contract/mod.ts";
import { memberOf, Place } from "../../hub/presence/place.ts";
import { MemberPages } from "../../hub/presence/member_pages.ts";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";

const put = (place: Place, id: string, user?: string, at = 0) =>
  place.put({ id, user, node: "n", state: undefined, at });

/** All members, page by page. */
function all(pages: MemberPages, place: Place, by: PresenceBy, limit: number): string[] {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = pages.read(place, { by, limit, ...(cursor !== undefined && { cursor }) });
    assert(page.entries.length <= limit);
    assertEquals(page.count, place.count(by));
    ids.push(...page.entries.map((entry) => by === "user" ? memberOf(entry) : entry.id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ids;
}

const byCodeUnits = (a: string, b: string) => a < b ? -1 : 1;

test("member pages: every member is on one page, in the order of code units, whatever changed between", () => {
  const id = fc.constantFrom("", "a", "b", "B", "__proto__", "é", "\u{1f600}", "\uffff", "10", "9", "c", "d");
  const change = fc.record({ id, user: fc.option(id, { nil: undefined }), isIn: fc.boolean() });
  const step = fc.oneof(change, fc.constant("read" as const));
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 4 }), (steps, limit) => {
      const place = new Place("room:a");
      const pages = new MemberPages(new FakeClock());
      for (const one of [...steps, "read" as const]) {
        if (one !== "read") {
          // Ids of connections are no user's.
          if (one.isIn) put(place, `c/${one.id}`, one.user);
          else place.drop(`c/${one.id}`);
          continue;
        }
        for (const by of ["user", "connection"] as const) {
          const expected = [...place.members(by)].map((entry) => by === "user" ? memberOf(entry) : entry.id);
          assertEquals(all(pages, place, by, limit), expected.sort(byCodeUnits));
        }
      }
    }),
    runs(),
  );
});

test("member pages: few changes and many among many members show on the next page", () => {
  const place = new Place("room:a");
  const pages = new MemberPages(new FakeClock());
  const name = (i: number) => String(i).padStart(5, "0");
  const expected = () => [...place.members("user")].map(memberOf).sort(byCodeUnits);
  for (let i = 0; i < 1_000; i++) put(place, `n.${i}`, name(i * 7 % 1_000));
  assertEquals(all(pages, place, "user", 300), expected());
  for (const many of [1, 10, 100, 400, 900]) {
    for (let i = 0; i < many; i++) {
      place.drop(`n.${i}`);
      put(place, `m.${many}.${i}`, name(2_000 + i));
    }
    assertEquals(all(pages, place, "user", 300), expected());
  }
});

test("member pages: the order is let go when no page was read for 10 to 20 seconds, and the timer with it", () => {
  const clock = new FakeClock();
  const pages = new MemberPages(clock);
  const place = new Place("room:a");
  let listening = 0;
  const { onChange } = place;
  place.onChange = (listener) => {
    const stop = onChange.call(place, listener);
    listening++;
    return () => {
      listening--;
      stop();
    };
  };
  put(place, "n.1");
  pages.read(place, { by: "user", limit: 1 });
  pages.read(place, { by: "connection", limit: 1 });
  assertEquals(listening, 2);
  clock.advance(9_000);
  pages.read(place, { by: "user", limit: 1 });
  clock.advance(5_000);
  assertEquals([pages.size, clock.pending], [1, 1]);
  clock.advance(6_000);
  assertEquals([pages.size, clock.pending, listening], [0, 0, 0]);
  pages.read(place, { by: "user", limit: 1 });
  pages.close();
  assertEquals([pages.size, clock.pending], [0, 0]);
});

test("member pages: a cursor goes on after a member that has left", () => {
  const place = new Place("room:a");
  const pages = new MemberPages(new FakeClock());
  for (const id of ["a", "b", "c", "d"]) put(place, id);
  assertEquals(pages.read(place, { by: "user", limit: 2 }).cursor, "b");
  place.drop("b");
  const { entries, cursor } = pages.read(place, { by: "user", limit: 2, cursor: "b" });
  assertEquals([entries.map(({ id }) => id), cursor], [["c", "d"], undefined]);
});
