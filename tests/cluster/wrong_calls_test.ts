import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type CloseOptions, createClient, createHub, defineContract, HubError } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { testOnAdapters } from "../hub/cluster.ts";
import { test, waitFor } from "../harness.ts";

/** A value as it may come from JavaScript. */
// deno-lint-ignore no-explicit-any
const wrong = (value: unknown): any => value;

testOnAdapters("wrong calls: rooms that are not a list of names address no client", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const heard: string[] = [];
  for (const node of [a!, b!]) {
    const client = await node.member();
    client.on("message", ({ text }) => heard.push(text));
    for (const room of ["l", "lobby"]) await client.request("join", { room });
  }
  for (const names of ["lobby", undefined, null, {}, 5, ["lobby", undefined], ["lobby", null]]) {
    assertThrows(() => a!.hub.rooms(wrong(names)), TypeError, "room");
  }
  a!.hub.rooms([]).broadcast("message", { room: "l", text: "to nobody" });
  a!.hub.rooms(["lobby"]).broadcast("message", { room: "l", text: "good" });
  await waitFor(() => heard.length === 2, { what: "the good one" });
  assertEquals(heard, ["good", "good"]);
});

testOnAdapters(
  "wrong calls: a close reason that is not text, or an invalid code, closes no connection",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const client = await b!.member();
    const id = client.connectionId!;
    for (const node of [a!, b!]) {
      for (const reason of [null, 5, {}]) {
        assertThrows(() => node.hub.connection(id).close({ reason: wrong(reason) }), TypeError, "reason");
      }
    }
    assertEquals([client.status, a!.errors, b!.errors], ["open", [], []]);
    a!.hub.connection(id).close(undefined);
    await waitFor(() => client.status === "closed", { what: "the client to be closed" });
  },
);

test("wrong calls: a code that a close frame cannot carry closes no connection", async () => {
  const contract = defineContract({ roles: { member: {} } });
  const transport = createLoopbackTransport();
  const conns: { close(options?: CloseOptions): void }[] = [];
  await using hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    transports: [transport],
    onConnection: (conn) => void conns.push(conn),
  });
  await hub.ready;
  await using client = createClient(contract, {
    url: "ws://loopback",
    role: "member",
    transport: transport.client(),
    onError() {},
  });
  await client.ready;
  for (const code of [0, 999, 2000, 5000, NaN, Infinity, 4000.5]) {
    assertThrows(() => conns[0]!.close({ code }), RangeError, "code");
  }
  for (const code of ["4000", null, {}]) {
    assertThrows(() => conns[0]!.close({ code: wrong(code) }), TypeError, "code");
  }
  assertThrows(() => conns[0]!.close({ code: 4500, reason: wrong(5) }), TypeError, "reason");
  assertEquals(client.status, "open");
  conns[0]!.close({ code: 4999, reason: "é".repeat(61) + "x" });
  await waitFor(() => client.status === "closed", { what: "the client to be closed" });
});

test("wrong calls: an event that a role does not have is not sent to that role", async () => {
  const contract = defineContract({
    roles: {
      member: { serverToClient: { news: { payload: z.object({}) } } },
      admin: { serverToClient: { alarm: { payload: z.object({}) } } },
    },
  });
  const transports = [createLoopbackTransport()];
  await using hub = createHub(contract, { authenticate: ({ role }) => ({ role }), transports });
  await hub.ready;
  const error = assertThrows(() => wrong(hub.forRole("member")).emit("alarm", {}), HubError, 'role "member"');
  assertEquals(error.code, "NOT_FOUND");
  hub.forRole("admin").emit("alarm", {});
  hub.forRole("member").emit("news", {});
});

testOnAdapters(
  "wrong calls: listeners to unknown events, and listeners that are not functions, are refused",
  async (start) => {
    await using cluster = await start(1);
    const { hub } = cluster.nodes[0]!;
    assertThrows(() => hub.cluster.on(wrong("leaves"), () => {}), TypeError, '"leave"');
    for (const name of ["toString", "__proto__", undefined, null, 5]) {
      assertThrows(() => hub.cluster.on(wrong(name), () => {}), TypeError, '"join"');
    }
    for (const listener of [undefined, null, {}, "leave"]) {
      assertThrows(() => hub.cluster.on("leave", wrong(listener)), TypeError, "a function");
      assertThrows(() => hub.onServer("invalidate", wrong(listener)), TypeError, "a function");
      assertThrows(() => hub.onServer("load", wrong(listener)), TypeError, "a function");
    }
    hub.onServer("load", () => ({ conns: 1 })); // there is no answerer so far
  },
);

testOnAdapters("wrong calls: a query that is a map or a date does not address all clients", async (start) => {
  await using cluster = await start(1);
  const { hub } = cluster.nodes[0]!;
  for (const query of [new Map([["user", "ann"]]), new Date(), Promise.resolve({ user: "ann" }), new Set()]) {
    await assertRejects(() => hub.cluster.count(wrong(query)), TypeError, "count connections");
    await assertRejects(() => hub.cluster.disconnect(wrong(query)), TypeError, "disconnect connections");
  }
});
