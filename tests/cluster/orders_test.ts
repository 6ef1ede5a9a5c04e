import { assertEquals, assertMatch } from "@std/assert";
import type { ConnectionQuery, Everybody, OrderQuery } from "@trunkline/hub";
import { waitFor } from "../harness.ts";
import { acquainted, testOnAdapters } from "../hub/cluster.ts";
import { rejection } from "../hub/wires.ts";

/** A query as JavaScript may give it. */
const untyped = (query: unknown) => query as OrderQuery & ConnectionQuery;

/** Queries without a target. */
const EMPTY: readonly unknown[] = [{}, Object.create({ name: "ann" })];

/** Invalid queries: each would address more connections than its caller wants, or none at all. */
const BROKEN: readonly (readonly [query: unknown, error: RegExp])[] = [
  [{ user: undefined }, /by "user": it is undefined/],
  [{ user: undefined, room: "lobby" }, /by "user": it is undefined/],
  [{ id: undefined, room: undefined, user: undefined, role: undefined, topic: undefined }, /by "id"/],
  [{ user: null }, /by "user": it is null/],
  [{ user: 7 }, /by "user": it is number/],
  [{ role: ["member"] }, /by "role": it is object/],
  [{ usr: "ann" }, /did you mean "user"/],
  [{ user: "ann", rooom: "lobby" }, /did you mean "room"/],
  [{ all: false }, /\{ all: true \} alone/],
  [{ all: undefined }, /\{ all: true \} alone/],
  [{ all: true, user: "ann" }, /\{ all: true \} alone/],
  [{ all: true, user: undefined }, /by "user"/],
  [null, /the query is null/],
  ["ann", /the query is a string/],
  [["ann"], /the query is a list/],
];

testOnAdapters(
  "cluster: an order without a target, or with an empty one, reaches no connection",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const people = [await a!.member("ann"), await b!.member("bob"), await a!.member("eve")];
    const orders = (query: OrderQuery) => [
      a!.hub.cluster.disconnect(query),
      a!.hub.cluster.join(query, "room"),
      a!.hub.cluster.leave(query, "room"),
    ];
    for (const query of EMPTY) {
      for (const order of orders(untyped(query))) {
        const error = await rejection(order);
        assertEquals(error.name, "TypeError");
        assertMatch(error.message, /the query is empty.*\{ all: true \}/);
      }
    }
    for (const [query, expected] of [...BROKEN, [undefined, /the query is undefined/] as const]) {
      for (const order of orders(untyped(query))) {
        const error = await rejection(order);
        assertEquals(error.name, "TypeError");
        assertMatch(error.message, expected);
      }
    }
    for (const room of [undefined, null, 7]) {
      assertEquals((await rejection(a!.hub.cluster.join({ user: "ann" }, room as never))).name, "TypeError");
      assertEquals((await rejection(a!.hub.cluster.leave({ user: "ann" }, room as never))).name, "TypeError");
    }
    assertEquals(await a!.hub.cluster.count({ room: "room" }), { count: 0, missing: [] });
    assertEquals(await a!.hub.cluster.count({ room: "undefined" }), { count: 0, missing: [] });
    assertEquals(await a!.hub.cluster.disconnect({ user: "" }), { count: 0, missing: [] });
    assertEquals(people.map(({ status }) => status), ["open", "open", "open"]);
    assertEquals([...a!.errors, ...b!.errors], []);
  },
);

testOnAdapters("cluster: an order reaches all connections if it says so", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const people = [await a!.member("ann"), await b!.member("bob")];
  assertEquals(await a!.hub.cluster.join({ all: true }, "room"), { count: 2, missing: [] });
  assertEquals(await b!.hub.cluster.count({ room: "room" }), { count: 2, missing: [] });
  assertEquals(await b!.hub.cluster.leave({ all: true }, "room"), { count: 2, missing: [] });
  assertEquals(await b!.hub.cluster.disconnect({ all: true }), { count: 2, missing: [] });
  await waitFor(() => people.every(({ status }) => status === "closed"), { what: "all clients to be gone" });
});

testOnAdapters(
  "cluster: a read means all when nothing is given, and never because a value is absent",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    for (const node of [a!, b!]) await node.member("ann");
    const all: readonly (ConnectionQuery | Everybody | undefined)[] = [undefined, {}, { all: true }];
    for (const query of all) {
      assertEquals(await a!.hub.cluster.count(query), { count: 2, missing: [] });
      assertEquals((await a!.hub.cluster.connections(query)).connections.length, 2);
      assertEquals(await a!.hub.cluster.exists(query), { exists: true, missing: [] });
    }
    for (const [query, expected] of BROKEN) {
      for (const read of ["count", "connections", "exists"] as const) {
        const error = await rejection(a!.hub.cluster[read](untyped(query)));
        assertEquals(error.name, "TypeError");
        assertMatch(error.message, expected);
      }
    }
  },
);

testOnAdapters(
  "cluster: a query is read once: later changes of the object do not matter",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const people = [await a!.member("ann"), await b!.member("bob")];
    let reads = 0;
    const query = {
      get user(): string {
        return reads++ === 0 ? "nobody" : undefined!;
      },
    };
    assertEquals(await a!.hub.cluster.disconnect(query), { count: 0, missing: [] });
    assertEquals(people.map(({ status }) => status), ["open", "open"]);
  },
);

testOnAdapters(
  "cluster: an order of another node that is not understood is refused, and reported on both",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    await acquainted(cluster.nodes.map(({ hub }) => hub));
    const ann = await b!.member("ann");
    const inbox = `node:${b!.hub.nodeId}`;
    const queries = [
      "{}",
      "null",
      "[]",
      `{"tenant":"x"}`,
      `{"user":"ann","tenant":"x"}`,
      `{"user":7}`,
      `{"all":1}`,
    ];
    let id = 100;
    for (const query of queries) {
      for (const order of ["disconnect", "join", "leave"]) {
        const asked = `[["ask",${++id},"cluster:${order}",{"query":${query},"room":"room"}]]`;
        b!.tap.inject(inbox, asked, a!.hub.nodeId);
      }
    }
    b!.tap.inject(inbox, `[["ask",${++id},"cluster:join",{"query":{"all":true}}]]`, a!.hub.nodeId);
    b!.tap.inject(inbox, `[["ask",${++id},"cluster:disconnect"]]`, a!.hub.nodeId);
    const refused = queries.length * 3 + 2;
    await waitFor(() => b!.errors.length === refused, { what: "all to be reported" });
    assertEquals(
      new Set(b!.errors.map(({ error }) => (error as { code?: string }).code)),
      new Set(["BAD_REQUEST"]),
    );
    await waitFor(
      () => a!.tap.delivered.map(({ data }) => data).join().split('"fail"').length - 1 === refused,
      { what: "all to be answered" },
    );
    assertEquals(ann.status, "open");
  },
);

testOnAdapters("cluster: an order for a user does not reach connections without a user", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const ann = await b!.member("undefined");
  const heard: string[] = [];
  ann.on("dm", ({ text }) => heard.push(text));
  await ann.request("join", { room: "undefined" });
  for (const name of [undefined, null, 7, {}] as never[]) {
    for (
      const address of [
        () => a!.hub.user(name),
        () => a!.hub.room(name),
        () => a!.hub.rooms([name]),
        () => a!.hub.connection(name),
        () => a!.hub.forRole(name),
        () => a!.hub.room("undefined").remove({ id: name }),
        () => a!.hub.room("undefined").broadcast("dm", { text: "x" }, { except: { id: name } }),
        () => a!.hub.rooms(["undefined"]).broadcast("dm", { text: "x" }, { except: { id: name } }),
        () => a!.hub.room("undefined").add({ id: name }),
      ]
    ) assertEquals((await rejection((async () => await address())())).name, "TypeError");
  }
  for (const name of ["undefined\ud83d", "\ude00"]) { // half a character, which other nodes cannot be told of
    for (
      const address of [
        () => a!.hub.user(name),
        () => a!.hub.room(name),
        () => a!.hub.rooms([name]),
        () => a!.hub.connection(name),
        () => a!.hub.cluster.join({ all: true }, name),
      ]
    ) assertEquals((await rejection((async () => await address())())).name, "TypeError");
    const error = await rejection((async () => await a!.hub.publish(`ticker/${name}`, 1 as never))());
    assertEquals(error.code, "BAD_REQUEST");
  }
  for (const except of [null, "ann", 7] as never[]) {
    const error = await rejection(
      (async () => await a!.hub.room("undefined").broadcast("dm", { text: "x" }, { except }))(),
    );
    assertEquals(error.name, "TypeError");
  }
  assertEquals((await rejection((async () => await a!.hub.forRole("membr" as never))())).code, "NOT_FOUND");
  a!.hub.room("undefined").broadcast("dm", { text: "to all" }, { except: undefined });
  a!.hub.room("undefined").broadcast("dm", { text: "to others" }, { except: { id: ann.connectionId! } });
  a!.hub.room("undefined").broadcast("dm", { text: "the last" });
  await waitFor(() => heard.includes("the last"), { what: "the last" });
  assertEquals(heard, ["to all", "the last"]);
});
