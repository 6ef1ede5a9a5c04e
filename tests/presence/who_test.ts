import { assert, assertEquals } from "@std/assert";
import {
  asWhoChange,
  jsonCodec,
  type PresenceMember,
  readWireMember,
  utf8Size,
  type WhoChange,
} from "../../contract/mod.ts";
import type { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { snapshotMessages, toMembersPage, whoMessages } from "../../hub/presence/who.ts";
import { test } from "../harness.ts";

const watched = { place: "room:r", by: "user" } as const;

/** The content of messages, and the sizes of their members. */
function read(messages: readonly OutgoingMessage[]): WhoChange[] {
  return messages.map((message) => {
    const [decoded] = jsonCodec.decode(jsonCodec.join([message.encoded(jsonCodec)])) as unknown[][];
    assertEquals(decoded!.slice(0, 3), ["who", "room:r", "user"]);
    return asWhoChange(decoded![3]);
  });
}

const member = (id: string, node = "n1", state?: unknown): PresenceMember => ({ id, user: id, node, state });
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => member(`user ${i}`, `node ${i % 3}`, { name: "é".repeat(20) }));

test("a list in pages is complete: each page is small, and says whether another follows", () => {
  const members = many(1_000);
  const changes = read(snapshotMessages(watched, { listed: true, members, count: 1_000, whole: true }));
  assert(changes.length > 3);
  const all = changes.flatMap(({ all = [], in: more = [], nodes = [] }) =>
    [...all, ...more].map((one) => readWireMember(one, nodes))
  );
  assertEquals(all, members);
  for (const [i, change] of changes.entries()) {
    const { all, in: put, ...rest } = change;
    assert(utf8Size(JSON.stringify(all ?? put)) <= 16 * 1024);
    const last = i === changes.length - 1;
    const nodes = rest.nodes!;
    assertEquals([all !== undefined, put !== undefined], [i === 0, i > 0]);
    assertEquals(rest, last ? { nodes, count: 1_000, synced: true } : { nodes, more: true });
  }
});

test("the smallest changes are small messages", () => {
  const tell = (news: Parameters<typeof whoMessages>[1]) => read(whoMessages(watched, news));
  assertEquals(read(snapshotMessages(watched, { listed: true, members: [], count: 0, whole: true })), [
    { all: [], count: 0, synced: true },
  ]);
  assertEquals(read(snapshotMessages(watched, { listed: false, members: [], count: 5_000, whole: false })), [
    { listed: false, count: 5_000, synced: false },
  ]);
  assertEquals(tell({ type: "whole", whole: false }), [{ synced: false }]);
  assertEquals(tell({ type: "count", count: 5_000 }), [{ listed: false, count: 5_000 }]);
  assertEquals(tell({ type: "all", members: [member("ann")], count: 1 }), [
    { nodes: ["n1"], all: [["ann", 1, 0]], count: 1 },
  ]);
  assertEquals(tell({ type: "changes", changes: [{ type: "leave", member: member("ann") }], count: 0 }), [
    { out: ["ann"], count: 0 },
  ]);
  const changes = [
    { type: "update", member: { id: "c1", user: undefined, node: "n2", state: null } },
    { type: "join", member: { id: "c2", user: "bob", node: "n1", state: undefined } },
    { type: "join", member: member("dan", "n2", 0) },
  ] as const;
  assertEquals(tell({ type: "changes", changes, count: 3 }), [
    { nodes: ["n2", "n1"], in: [["c1", 0, 0, null], ["c2", "bob", 1], ["dan", 1, 0, 0]], count: 3 },
  ]);
});

test("many differences come in small messages, the count with the last of them", () => {
  const changes = many(2_000).map((member, i) => ({ type: i % 2 ? "join" : "leave", member }) as const);
  const told = read(whoMessages(watched, { type: "changes", changes, count: 7 }));
  assert(told.length > 3);
  const ids = (type: string) =>
    changes.filter((change) => change.type === type).map(({ member }) => member.id);
  assertEquals(told.flatMap(({ out = [] }) => out), ids("leave"));
  assertEquals(told.flatMap(({ in: put = [] }) => put.map(([id]) => id)), ids("join"));
  for (const { in: put = [], out = [] } of told) {
    assert(utf8Size(JSON.stringify([put, out])) <= 16 * 1024 + 64);
  }
  assertEquals(told.map(({ count, more }) => [count, more]), [
    ...Array(told.length - 1).fill([undefined, undefined]),
    [7, undefined],
  ]);
});

test("a member that is larger than a page has one of its own", () => {
  const large = member("large", "n1", "x".repeat(20_000));
  const members = [member("ann"), large, member("bob")];
  const changes = read(snapshotMessages(watched, { listed: true, members, count: 3, whole: true }));
  assertEquals(changes.map(({ all, in: put }) => (all ?? put)!.map(([id]) => id)), [["ann"], ["large"], [
    "bob",
  ]]);
});

test("a role's own topic has the name by which its clients call it", () => {
  const place = "topic@ad%3Amin:audit@a:b";
  const [message] = whoMessages({ place, by: "connection" }, { type: "whole", whole: true });
  assertEquals(message!.encoded(jsonCodec), '["who","topic:audit@a:b","connection",{"synced":true}]');
});

test("a page that was asked for and is too large for one message says how many members are not", () => {
  const members = Array.from({ length: 100 }, (_, i) => member(`user ${i}`, "n1", "x".repeat(1_000)));
  const fitting = toMembersPage({ members, count: 500, cursor: "user 99" });
  assert(typeof fitting === "number" && fitting > 10 && fitting < 100);
  const cursorOf = (length: number, cursor?: string) => {
    const page = toMembersPage({ members: members.slice(0, length), count: 500, cursor });
    return typeof page === "number" ? page : page.cursor;
  };
  assertEquals([cursorOf(fitting), cursorOf(fitting, "opaque")], [undefined, "opaque"]);
  assertEquals(cursorOf(fitting + 1), fitting);
  assertEquals(toMembersPage({ members: [], count: 0 }), { nodes: [], members: [], count: 0 });
});
