import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  createEmitter,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryHistory,
  type Emitter,
} from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, type ChatDefinition, createNode } from "./chat.ts";
import { ADAPTERS, empty, startCluster } from "./cluster.ts";
import { codeOf } from "./wires.ts";

type ChatEmitter = Emitter<ChatDefinition>;

/** Runs a test with a cluster of two nodes, and a function that makes emitters on its backplane. */
function onEachAdapter(
  title: string,
  fn: (
    cluster: Awaited<ReturnType<typeof startCluster>>,
    emitter: () => ChatEmitter,
    errors: unknown[],
  ) => Promise<void>,
): void {
  for (const [name, createBackbone] of Object.entries(ADAPTERS)) {
    test(`${title} [${name}]`, async () => {
      const backbone = createBackbone();
      const errors: unknown[] = [];
      await using cluster = await startCluster(backbone, 2);
      await fn(
        cluster,
        () => createEmitter(chat, { adapter: backbone(), onError: (error) => errors.push(error) }),
        errors,
      );
    });
  }
}

onEachAdapter(
  "emitter: it reaches rooms, topics, roles, users and connections of every node, and is none",
  async (
    { nodes },
    create,
    errors,
  ) => {
    const heard: string[] = [];
    const left: string[] = [];
    const clients = await Promise.all(nodes.map((node, i) => node.member(`user ${i}`)));
    for (const [i, client] of clients.entries()) {
      client.on("message", ({ text }) => heard.push(`${i} message ${text}`));
      client.on("dm", ({ text }) => heard.push(`${i} dm ${text}`));
      await client.request("join", { room: "r" });
      await client.subscribe("stats", ({ n }) => heard.push(`${i} stats ${n}`)).ready;
    }
    for (const [i, { hub }] of nodes.entries()) {
      hub.cluster.on("join", ({ id }) => left.push(`${id} joins`));
      hub.onServer("invalidate", ({ key }) => void heard.push(`${i} bus ${key}`));
    }
    await using emitter = create();
    emitter.room("r").broadcast("message", { room: "r", text: "to the room" });
    emitter.rooms(["r", "other"]).broadcast("message", { room: "r", text: "to both rooms" });
    emitter.room("r").broadcast("message", { room: "r", text: "to all but 0" }, {
      except: { id: clients[0]!.connectionId! },
    });
    emitter.publish("stats", { n: 1 });
    emitter.forRole("member").emit("dm", { text: "to the role" });
    emitter.user("user 1").emit("dm", { text: "to the user" });
    emitter.connection(clients[0]!.connectionId!).emit("dm", { text: "to the connection" });
    emitter.emitServer("invalidate", { key: "k" });
    const both = (text: string) => [`0 ${text}`, `1 ${text}`];
    const wanted = [
      ...both("bus k"),
      ...both("dm to the role"),
      ...both("message to both rooms"),
      ...both("message to the room"),
      ...both("stats 1"),
      "0 dm to the connection",
      "1 dm to the user",
      "1 message to all but 0",
    ].sort();
    await waitFor(() => heard.length >= wanted.length, { what: "all clients to be reached" });
    assertEquals(heard.sort(), wanted);
    emitter.disconnect({ user: "user 0" });
    emitter.connection(clients[1]!.connectionId!).close({ reason: "enough" });
    await waitFor(() => clients.every(({ status }) => status === "closed"), {
      what: "the clients to be sent away",
    });
    for (const { hub, errors } of nodes) {
      assertEquals([hub.cluster.nodes().length, errors], [2, []]);
    }
    assertEquals([left, errors], [[], []]);
  },
);

onEachAdapter(
  "emitter: close sends what waits, in order, however early it is",
  async ({ nodes }, create, errors) => {
    const heard: string[] = [];
    const client = await nodes[1]!.member();
    client.on("message", ({ text }) => heard.push(text));
    await client.request("join", { room: "r" });
    const emitter = create();
    const large = "x".repeat(20_000); // beyond one batch of a channel within the turn
    for (let i = 0; i < 50; i++) emitter.room("r").broadcast("message", { room: "r", text: `${i} ${large}` });
    await emitter.close();
    await emitter.close();
    await waitFor(() => heard.length === 50, { what: "all messages" });
    assertEquals(heard.map((text) => parseInt(text)), Array.from({ length: 50 }, (_, i) => i));
    assertEquals(errors, []);
  },
);

onEachAdapter("emitter: those that come and go leave no trace", async ({ nodes }, create, errors) => {
  const heard: number[] = [];
  const events: string[] = [];
  const client = await nodes[0]!.member();
  const sub = client.subscribe("stats", ({ n }) => heard.push(n));
  await sub.ready;
  for (const { hub } of nodes) {
    for (const event of ["join", "leave", "state"] as const) hub.cluster.on(event, () => events.push(event));
  }
  for (let i = 0; i < 20; i++) {
    await using emitter = create();
    emitter.publish("stats", { n: i });
  }
  await waitFor(() => heard.length === 20, { what: "all messages" });
  await client.close();
  await empty(...nodes);
  for (const { hub } of nodes) assertEquals(hub.cluster.nodes().length, 2);
  assertEquals([events, errors], [[], []]);
});

test("emitter: 1,000 of them leave no trace", async () => {
  const bus = createMemoryBus();
  await using node = await createNode(bus);
  const client = await node.member();
  let heard = 0;
  await client.subscribe("stats", () => heard++).ready;
  const emitters = Array.from(
    { length: 1_000 },
    () => createEmitter(chat, { adapter: createMemoryAdapter({ bus }) }),
  );
  for (const emitter of emitters) emitter.publish("stats", { n: 1 });
  await Promise.all(emitters.map((emitter) => emitter.close()));
  await waitFor(() => heard === 1_000, { what: "all messages" });
  await client.close();
  await empty(node);
  assertEquals([node.hub.cluster.nodes().length, node.errors], [1, []]);
});

test("emitter: an invalid payload is an error at the call, and so is a call after close", async () => {
  const bus = createMemoryBus();
  const emitter = createEmitter(chat, { adapter: createMemoryAdapter({ bus }) });
  const bad = (call: () => void) => codeOf(async () => await call());
  assertEquals(await bad(() => emitter.publish("stats", { n: "1" as never })), "VALIDATION");
  assertEquals(await bad(() => emitter.publish("nothing" as never, {} as never)), "NOT_FOUND");
  assertEquals(await bad(() => emitter.room("r").broadcast("none" as never, {} as never)), "NOT_FOUND");
  assertEquals(await bad(() => emitter.forRole("nobody" as never)), "NOT_FOUND");
  assertThrows(() => emitter.user(undefined as never), TypeError);
  for (const name of [undefined, null, NaN, {}, Symbol("stats")]) {
    assertThrows(() => emitter.publish(name as never, {} as never), TypeError, "give its name as text");
  }
  assertThrows(() => emitter.disconnect({} as never), TypeError, "empty");
  assertThrows(() => emitter.disconnect({ user: undefined } as never), TypeError);
  const room = emitter.room("r");
  await emitter.close();
  const calls: (() => void)[] = [
    () => room.broadcast("dm", { text: "late" }),
    () => emitter.publish("stats", { n: 1 }),
    () => emitter.user("ann").emit("dm", { text: "late" }),
    () => emitter.forRole("member").emit("dm", { text: "late" }),
    () => emitter.connection("a.1").close(),
    () => emitter.emitServer("invalidate", { key: "k" }),
    () => emitter.disconnect({ all: true }),
  ];
  for (const call of calls) assertEquals(await bad(call), "UNAVAILABLE");
});

test("emitter: options are checked, and an adapter that reaches no other process is refused", () => {
  const bad = (options: unknown) => assertThrows(() => createEmitter(chat, options as never), Error).message;
  assert(bad(undefined).includes("adapter"));
  assert(bad({ adapter: createMemoryAdapter() }).includes("reaches no other node"));
  const adapter = createMemoryAdapter({ bus: createMemoryBus() });
  assert(bad({ adapter, maxWaitingBytes: 0 }).includes("maxWaitingBytes"));
  assert(bad({ adapter, heartbeatMs: 1 }).includes("heartbeatMs"));
  assertThrows(() => createEmitter({} as never, { adapter }), TypeError, "createEmitter");
});

test("emitter: on a topic with history it needs the store that the hubs share", async () => {
  const bus = createMemoryBus();
  await using node = await createNode(bus);
  await using emitter = createEmitter(chat, { adapter: createMemoryAdapter({ bus }) });
  const error = await assertRejects(
    () => emitter.publish("log/x", { n: 1 }),
    Error,
    "each node keeps its own history",
  );
  assert(error.message.includes("createHub(…, { history })"));
  assertEquals((await node.hub.history("log/x")).records, []);
});

test("emitter: on a topic with a shared history it publishes, in order, and answers with positions", async () => {
  const bus = createMemoryBus();
  const history = createMemoryHistory();
  await using node = await createNode(bus, { history });
  const heard: [number, number | undefined][] = [];
  const client = await node.member();
  const sub = client.subscribe("log/x", ({ n }, { offset }) => heard.push([n, offset]));
  await sub.ready;
  const emitter = createEmitter(chat, { adapter: createMemoryAdapter({ bus }), history });
  const payload = { n: 1 };
  const publishing = [emitter.publish("log/x", payload, { id: "once" })];
  payload.n = 7; // it was said before
  for (let n = 2; n <= 20; n++) publishing.push(emitter.publish("log/x", { n }));
  publishing.push(emitter.publish("log/x", { n: 1 }, { id: "late" }));
  await emitter.close();
  const offsets = (await Promise.all(publishing)).map(({ offset }) => offset);
  assertEquals(offsets, Array.from({ length: 21 }, (_, i) => i + 1));
  await waitFor(() => heard.length === 21, { what: "all messages" });
  assertEquals(heard.slice(0, 20), Array.from({ length: 20 }, (_, i) => [i + 1, i + 1]));
  const late = emitter.publish("log/x", { n: 1 }); // a rejection like all of its errors
  assertEquals(await codeOf(() => late), "UNAVAILABLE");
});

test("emitter: messages from before the backplane is up wait for it", async () => {
  const bus = createMemoryBus();
  const history = createMemoryHistory();
  await using node = await createNode(bus, { history });
  const heard: number[] = [];
  const client = await node.member();
  await client.subscribe("stats", ({ n }) => heard.push(n)).ready;
  bus.down();
  const errors: unknown[] = [];
  const emitter = createEmitter(chat, {
    adapter: createMemoryAdapter({ bus }),
    history,
    onError: (error) => errors.push(error),
  });
  for (let n = 0; n < 3; n++) emitter.publish("stats", { n });
  const kept = emitter.publish("log/x", { n: 1 });
  const closing = emitter.close(); // it waits too
  bus.up();
  await closing;
  assertEquals((await kept).offset, 1);
  await waitFor(() => heard.length === 3, { what: "what waited" });
  assertEquals([heard, errors], [[0, 1, 2], []]);
});

test("emitter: a backplane that is not up in time, or too many messages for it, are reported and never thrown", async () => {
  const clock = new FakeClock();
  const bus = createMemoryBus();
  bus.down();
  const told: string[] = [];
  const emitter = createEmitter(chat, {
    adapter: createMemoryAdapter({ bus }),
    backplaneTimeoutMs: 1_000,
    maxWaitingBytes: 100,
    clock,
    onError: (error, { stage, channel }) => told.push(`${stage} ${channel} ${(error as Error).message}`),
  });
  const ready = codeOf(() => emitter.ready);
  emitter.publish("stats", { n: 1 });
  emitter.room("r").broadcast("dm", { text: "x".repeat(100) });
  clock.advance(1);
  await waitFor(() => told.length === 1, { what: "the first loss" });
  assert(told[0]!.startsWith("publish room:r") && told[0]!.includes("maxWaitingBytes"), told[0]);
  const closed = emitter.publish("stats", { n: 2 });
  clock.advance(1_000);
  assertEquals([await ready, closed], ["UNAVAILABLE", undefined]);
  await waitFor(() => told.some((text) => text.startsWith("open ")), { what: "the report" });
  assert(
    told.some((text) => text.startsWith("publish topic:stats") && text.includes("1000 ms")),
    told.join("\n"),
  );
  const before = told.length;
  emitter.publish("stats", { n: 3 });
  emitter.user("ann").emit("dm", { text: "lost" });
  clock.advance(1);
  await waitFor(() => told.length > before, { what: "what is lost now" });
  bus.up();
  await emitter.close();
});

test("emitter: while the backplane is away publishes are reported as lost; when it refuses, all are", async () => {
  const bus = createMemoryBus();
  const told: string[] = [];
  const onError = (error: unknown, { stage }: { readonly stage: string }) =>
    void told.push(`${stage}: ${(error as Error).message}`);
  const emitter = createEmitter(chat, { adapter: createMemoryAdapter({ bus }), onError });
  await emitter.ready;
  bus.down();
  emitter.publish("stats", { n: 1 });
  await waitFor(() => told.length === 1, { what: "the report" });
  assert(told[0]!.includes("the memory bus is down"), told[0]);
  await emitter.close();

  told.length = 0;
  const refusing: Adapter = Object.assign(createMemoryAdapter({ bus }), {
    open: () => Promise.reject(new Error("wrong password")),
  });
  const refused = createEmitter(chat, { adapter: refusing, onError });
  refused.publish("stats", { n: 1 });
  await assertRejects(() => refused.ready, Error, "wrong password");
  refused.publish("stats", { n: 2 });
  await refused.close();
  assert(told.includes("open: wrong password"), told.join("\n"));
  assert(told.some((text) => text.startsWith('publish: Cannot publish on "topic:stats"')), told.join("\n"));
});
