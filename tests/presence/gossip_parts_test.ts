import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { utf8Size } from "../../contract/mod.ts";
import { decodeBus } from "../../hub/backplane/bus_wire.ts";
import type { PresenceEntry } from "../../hub/presence/place.ts";
import { type OwnOp, RecentOps } from "../../hub/presence/gossip/recent_ops.ts";
import { isSameState } from "../../hub/presence/gossip/same_state.ts";
import { type OpWriter, readStretch, writeOp, writeStretches } from "../../hub/presence/gossip/streams.ts";
import { Transfer } from "../../hub/presence/gossip/transfer.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";

const entry = (n: number, rest: Partial<PresenceEntry> = {}): PresenceEntry => ({
  id: `node.${n.toString(36)}`,
  user: `u${n}`,
  node: "node",
  state: undefined,
  at: Date.UTC(2026, 10, 29) + n,
  ...rest,
});

const writer: OpWriter = {
  write: (what) => writeOp("node.", what),
  timeOf: ({ at }) => at,
};

test("recent ops: the changes since a version, each connection once, as long as they are remembered", () => {
  const change = fc.record({
    place: fc.constantFrom("a", "b", "__proto__"),
    n: fc.nat(4),
    left: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 60, size: "max" }),
      fc.integer({ min: 1, max: 40 }),
      (changes, max) => {
        const recent = new RecentOps();
        const all: OwnOp[] = [];
        for (const { place, n, left } of changes) {
          const what = left ? `node.${n}` : entry(n, { state: all.length });
          recent.add(place, what, max);
          all.push({ version: all.length + 1, place, what });
        }
        assertEquals(recent.version, all.length);
        const keyOf = ({ place, what }: OwnOp) => `${place} ${typeof what === "string" ? what : what.id}`;
        for (let version = 0; version <= all.length; version++) {
          const since = all.slice(version);
          const last = new Map(since.map((op) => [keyOf(op), op]));
          const expected = since.filter((op) => last.get(keyOf(op)) === op);
          assertEquals(recent.since(version), since.length > max ? undefined : expected);
          const some = since.slice(0, 3);
          const kept = some.filter((op, i) => some.slice(i + 1).every((other) => keyOf(other) !== keyOf(op)));
          assertEquals(recent.since(version, 3), since.length > max ? undefined : kept);
        }
      },
    ),
    runs(100),
  );
});

test("recent ops: many changes leave no more behind than may be kept", () => {
  const recent = new RecentOps();
  for (let i = 0; i < 10_000; i++) recent.add("a", `node.${i}`, 100);
  assertEquals([recent.version, recent.floor, recent.since(9_900)?.length], [10_000, 9_900, 100]);
  assertEquals(recent.since(9_899), undefined);
  recent.add("a", "node.x", 1); // fewer are kept from now on
  assertEquals([recent.floor, recent.since(10_000)?.length], [10_000, 1]);
});

test("streams: changes arrive as they were, in messages below the limit", () => {
  const op = fc.record({
    place: fc.constantFrom("room:a", "topic:ticker/\u{1f600}", "", 'say "hi"'),
    n: fc.nat(2_000),
    user: fc.option(fc.string({ unit: "grapheme", maxLength: 8 }), { nil: undefined }),
    state: fc.constantFrom(undefined, null, 0, "", { name: "x".repeat(100) }, [["é".repeat(50)]]),
    at: fc.oneof(fc.constant(0), fc.integer(), fc.constant(1e15), fc.constant(-1e15)),
    left: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(op, { maxLength: 50, size: "max" }),
      fc.constantFrom(300, 1_000, 1e6),
      (list, maxBytes) => {
        const ops = list.map(({ place, n, left, ...rest }, i): OwnOp => ({
          version: i + 1,
          place,
          what: left ? `node.${n.toString(36)}` : entry(n, rest),
        }));
        const arrived: unknown[] = [];
        let version = 0;
        for (const stretch of writeStretches(ops, maxBytes, writer)) {
          const text = `["pd",0,0,${stretch.text}]`;
          const [message] = decodeBus(`[${text}]`);
          const inside: unknown[] = [];
          readStretch(message!, 3, (place, [n, user, state], at) => {
            const isPut = user !== undefined;
            inside.push([place, n, user, isPut && state, isPut && at]);
          });
          assert(utf8Size(text) <= maxBytes || inside.length === 1, `${utf8Size(text)} bytes`);
          assert(stretch.version > version);
          version = stretch.version;
          arrived.push(...inside.map((one) => JSON.stringify(one)));
        }
        const expected = ops.map(({ place, what }) =>
          JSON.stringify(
            typeof what === "string"
              ? [place, what.slice(5), undefined, false, false]
              : [place, what.id.slice(5), what.user ?? null, what.state, what.at],
          )
        );
        assertEquals(arrived.sort(), expected.sort());
        assertEquals(version, ops.length);
      },
    ),
    runs(),
  );
});

test("streams: a lone join takes some 50 bytes beside its place and state, and one of many some 20", () => {
  const join = (n: number) => entry(n, { user: `user${1_000 + n}`, state: { name: "Ann" }, at: entry(0).at });
  const [lone] = writeStretches([{ version: 1, place: "room:lobby", what: join(1) }], 1e6, writer);
  assertEquals(
    `["pd",10041,1,${lone!.text}]`,
    '["pd",10041,1,60220800000,"room:lobby",["1","user1001",{"name":"Ann"}]]',
  );
  const ops = Array.from({ length: 100 }, (_, i) => ({ version: i, place: "room:lobby", what: join(i) }));
  const [many] = writeStretches(ops, 1e6, writer);
  const beside = many!.text.length / 100 - '{"name":"Ann"}'.length;
  assert(beside < 22, `${beside} bytes`);
});

test("same state: lists and plain objects are compared by content, everything else by identity", () => {
  const date = new Date(0);
  const same: [unknown, unknown][] = [
    [1, 1],
    [NaN, NaN],
    [null, null],
    [undefined, undefined],
    [date, date],
    [
      { a: [1, { b: "x" }] },
      { a: [1, { b: "x" }] },
    ],
    [[], []],
  ];
  for (const [a, b] of same) assert(isSameState(a, b), JSON.stringify([a, b]));
  const other: [unknown, unknown][] = [
    [1, "1"],
    [null, {}],
    [{}, null],
    [[], {}],
    [{ a: 1 }, { a: 2 }],
    [
      { a: 1, b: 1 },
      { a: 1 },
    ],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ a: undefined }, { b: undefined }],
    [{ toString: undefined }, { a: 1 }],
    [
      [1],
      [1, 2],
    ],
    [new Date(0), new Date(0)],
    [new Map(), new Map()],
  ];
  for (const [a, b] of other) assert(!isSameState(a, b), JSON.stringify([a, b]));
});

test("transfer: each page counts once, in whatever order they come", () => {
  const transfer = new Transfer(7, 20);
  assertEquals([transfer.take(1), transfer.take(1), transfer.next], [true, false, 0]);
  assertEquals([transfer.take(0), transfer.take(0), transfer.take(1), transfer.next], [
    true,
    false,
    false,
    2,
  ]);
  for (let i = 2; i < 16; i++) transfer.take(i);
  assertEquals([transfer.isDue, transfer.complete], [true, false]);
  transfer.ask();
  for (let i = 19; i >= 16; i--) assertEquals([transfer.isDue, transfer.take(i)], [false, true]);
  assertEquals(transfer.complete, true);
});
