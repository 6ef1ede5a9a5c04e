import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  asMembersPage,
  asWhoChange,
  HubError,
  jsonCodec,
  placeOfWire,
  readWireMember,
  wirePlace,
} from "../../contract/mod.ts";
import { test } from "../harness.ts";
import { json, membersPage, text, whoChange } from "./arbitraries.ts";
import { assertPrototypesUntouched, runs } from "./runs.ts";

/** The result of a reader for a value. Any error except a short `BAD_REQUEST` fails the test. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    assertEquals([error.code, error.message.length < 200], ["BAD_REQUEST", true]);
    return undefined;
  }
}

const error = { code: "FORBIDDEN", message: "Not in" };
const nodes = ["n1", "n2"];

test("a server's messages about a place are read as they were sent", () => {
  fc.assert(fc.property(whoChange, (change) => assertEquals(asWhoChange(change), change as never)), runs());
  fc.assert(fc.property(membersPage, (page) => assertEquals(asMembersPage(page), page as never)), runs());
});

test("any other value is refused as one, or read, and nothing else happens", () => {
  const keys = [
    "nodes",
    "all",
    "out",
    "in",
    "more",
    "count",
    "listed",
    "synced",
    "error",
    "members",
    "cursor",
  ];
  const odd = fc.oneof(json, fc.dictionary(fc.constantFrom(...keys), json));
  fc.assert(
    fc.property(odd, (value) => {
      attempt(() => asWhoChange(value));
      attempt(() => asMembersPage(value));
    }),
    runs(2_000),
  );
  assertPrototypesUntouched();
});

test("a change with one thing wrong is refused", () => {
  const wrong: readonly unknown[] = [
    undefined,
    null,
    [],
    "all",
    new HubError("BAD_REQUEST", "it could not be read"),
    { nodes: "n1" },
    { nodes: [1] },
    { all: {} },
    { nodes, all: [["ann", 1]] },
    { nodes, all: [["ann", 1, 0, {}, 1]] },
    { nodes, all: [[1, 1, 0]] },
    { nodes, all: [["ann", 2, 0]] },
    { nodes, all: [["ann", null, 0]] },
    { nodes, all: [["ann", 1, 2]] },
    { nodes, all: [["ann", 1, -1]] },
    { nodes, all: [["ann", 1, "n1"]] },
    { nodes, all: [{ id: "ann" }] },
    { all: [["ann", 1, 0]] },
    { nodes: { length: 1 }, in: [["ann", 1, 0]] },
    { nodes, in: "ann" },
    { out: "ann" },
    { out: [1] },
    { more: 1 },
    { count: -1 },
    { count: 1.5 },
    { listed: "no" },
    { synced: 0 },
    { error: "FORBIDDEN" },
    { error: { code: "FORBIDDEN" } },
  ];
  for (const value of wrong) {
    assertEquals(assertThrows(() => asWhoChange(value), HubError).code, "BAD_REQUEST", JSON.stringify(value));
  }
  const page = { nodes, members: [["ann", 1, 0]], count: 1 };
  for (
    const part of [{ nodes: 1 }, { members: 1 }, { members: [["ann", 1, 7]] }, { count: "1" }, { cursor: 1 }]
  ) {
    assertThrows(() => asMembersPage({ ...page, ...part }), HubError);
  }
  asWhoChange({
    error: new HubError("BAD_REQUEST", "an error that could not be read is one nevertheless"),
    more: true,
  });
  assertEquals(asWhoChange({ error }), { error });
});

test("a member is its id, its user where it has one, its node and its state", () => {
  assertEquals(
    ([["ann", 1, 0], ["c1", 0, 1, null], ["c2", "bob", 1, { a: 1 }], ["c3", "", 0]] as const)
      .map((member) => readWireMember(member, nodes)),
    [
      { id: "ann", user: "ann", node: "n1", state: undefined },
      { id: "c1", user: undefined, node: "n2", state: null },
      { id: "c2", user: "bob", node: "n2", state: { a: 1 } },
      { id: "c3", user: "", node: "n1", state: undefined },
    ],
  );
});

test("a place is parsed back from its name on the wire, whatever its name is", () => {
  fc.assert(
    fc.property(text, (name) => {
      assertEquals(placeOfWire(wirePlace(name)), name);
      assertEquals(placeOfWire(wirePlace({ topic: name })), { topic: name });
    }),
    runs(),
  );
  for (const name of ["", "room", "Room:a", "topics:a", "user:a", "__proto__"]) {
    assertEquals(placeOfWire(name), undefined);
  }
});

test("a change with an invalid value harms only its own place", () => {
  const [message] = jsonCodec.decode(
    '[["who","room:a","user",{"in":[["ann",1,0,{"__proto__":1}]]}]]',
  ) as unknown[][];
  assertEquals([message!.slice(0, 3), message![3] instanceof HubError], [["who", "room:a", "user"], true]);
});
