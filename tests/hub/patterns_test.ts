import {
  createClient,
  createEmitter,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
} from "@trunkline/hub";
import { fillPattern } from "@trunkline/hub/contract";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";

const Tick = z.object({ price: z.number() });
const chat = defineContract({
  shared: {
    topics: {
      "stats": { payload: Tick },
      "ticker/:symbol": { payload: Tick, history: { size: 8 } },
      "ticker/TOTAL": { payload: Tick },
    },
  },
  roles: {
    member: { serverToClient: { line: { payload: z.string() } } },
    admin: { topics: { "log/:user/:day": { payload: z.string() } } },
  },
  rooms: { "chat/:id": { history: { size: 8 } } },
  presence: { "lobby/:id": z.string() },
});

function start() {
  const loopback = createLoopbackTransport();
  const hub = createHub(chat, { authenticate: ({ role }) => ({ role }), transports: [loopback] });
  const options = { url: "ws://loopback", transport: loopback.client() };
  return { hub, options };
}

test("a topic by pattern and parameters is the topic of that name, for hub and client", async () => {
  const { hub, options } = start();
  await using _hub = hub;
  await using client = createClient(chat, { ...options, role: "member" });
  await using admin = createClient(chat, { ...options, role: "admin" });
  const ticker = client.topic("ticker/:symbol", { symbol: "ACME" });
  const heard: unknown[] = [];
  const sub = ticker.subscribe(({ price }, { topic, offset }) => heard.push([topic, price, offset]));
  assertEquals([ticker.name, sub.topic], ["ticker/ACME", "ticker/ACME"]);
  const stats = client.topic("stats").subscribe(({ price }) => heard.push(price));
  const log = admin.topic("log/:user/:day", { user: "ann", day: 7 }).subscribe((entry) => heard.push(entry));
  await Promise.all([sub.ready, stats.ready, log.ready]);

  const of = hub.topic("ticker/:symbol", { symbol: "ACME" });
  const position = await of.publish({ price: 5 }, { id: "x" });
  assertEquals([position, await of.publish({ price: 5 }, { id: "x" })], [position, position]);
  hub.topic("stats").publish({ price: 6 });
  hub.forRole("admin").topic("log/:user/:day", { user: "ann", day: 7 }).publish("in");
  await waitFor(() => heard.length === 3, { what: "three messages" });
  assertEquals(heard, [["ticker/ACME", 5, 1], 6, "in"]);
  assertEquals(await of.position(), await hub.position("ticker/ACME"));
  assertEquals((await of.history({ limit: 1 })).records, (await hub.history("ticker/ACME")).records);
  assertEquals((await sub.history()).records.length, 1);
});

test("an emitter takes patterns too, and so do rooms", async () => {
  const bus = createMemoryBus();
  const loopback = createLoopbackTransport();
  await using hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [loopback],
    adapter: createMemoryAdapter({ bus }),
    onConnection: (conn) => void hub.room("lobby/:id", { id: 1 }).add(conn),
  });
  await using emitter = createEmitter(chat, { adapter: createMemoryAdapter({ bus }) });
  await hub.ready;
  await using client = createClient(chat, {
    url: "ws://loopback",
    role: "member",
    transport: loopback.client(),
  });
  const heard: unknown[] = [];
  client.on("line", (line) => heard.push(line));
  await client.ready;
  const sub = client.topic("stats").subscribe(({ price }) => heard.push(price));
  await sub.ready;
  assertEquals([hub.room("lobby/:id", { id: "1" }).name, hub.room("lobby/1").name], ["lobby/1", "lobby/1"]);
  emitter.room("lobby/:id", { id: 1 }).broadcast("line", "hi");
  emitter.topic("stats").publish({ price: 9 });
  await waitFor(() => heard.length === 2, { what: "both messages" });
  assertEquals(heard, ["hi", 9]);
  await hub.room("chat/:id", { id: "a" }).broadcast("line", "kept");
  assertEquals((await hub.room("chat/a").history()).records.length, 1);
});

test("parameters that would make another name of it are refused, and so are missing and unknown ones", async () => {
  const { hub, options } = start();
  await using _hub = hub;
  await using client = createClient(chat, { ...options, role: "member" });
  type Untyped = (pattern: unknown, params?: unknown) => unknown;
  await using emitter = createEmitter(chat, { adapter: createMemoryAdapter({ bus: createMemoryBus() }) });
  const asked = [
    client.topic.bind(client),
    hub.topic,
    emitter.topic,
    hub.room,
    emitter.room,
    fillPattern,
  ] as readonly unknown[] as readonly Untyped[];
  for (const ask of asked) {
    for (const symbol of ["", "a/b", undefined, null, {}, true, 5n]) {
      assertThrows(() => ask("ticker/:symbol", { symbol }), TypeError, "symbol must be");
    }
    assertThrows(() => ask("ticker/:symbol", {}), TypeError, "symbol must be");
    assertThrows(() => ask("ticker/:symbol", "ACME"), TypeError, "as an object");
    const misspelt = { symbol: "ACME", symbl: "ACME" };
    assertThrows(() => ask("ticker/:symbol", misspelt), TypeError, "no parameter symbl");
    assertThrows(() => ask("toString/:constructor", {}), TypeError, "constructor must be");
    assertThrows(() => ask(7, {}), TypeError);
  }
  for (const ask of asked.slice(0, 3)) {
    assertThrows(() => ask("ticker/:symbol"), TypeError, "symbol must be");
    assertThrows(
      () => ask("ticker/:symbol", { symbol: "TOTAL" }),
      TypeError,
      'declares it as "ticker/TOTAL"',
    );
    assertThrows(() => ask("ticker/ACME"), TypeError, 'declares it as "ticker/:symbol"');
    const error = assertThrows(() => ask("tickers/:symbol", { symbol: "ACME" }), Error);
    assertEquals((error as { code?: string }).code, "NOT_FOUND");
  }
  // As with the name itself: a text with half a surrogate pair cannot travel.
  const half = { symbol: "\ud800" };
  for (const ask of asked.slice(1, 3)) {
    assertEquals(
      (assertThrows(() => ask("ticker/:symbol", half), Error) as { code?: string }).code,
      "BAD_REQUEST",
    );
  }
});
