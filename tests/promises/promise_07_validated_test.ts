import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  createClient,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  type HubError,
} from "@trunkline/hub";
import type { Schema } from "@trunkline/hub/contract";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";
import { acquainted, testOnAdapters } from "../hub/cluster.ts";
import { codeOf, rawClient, recorded, rejection, turn } from "../hub/wires.ts";

/** Its output shows that it was parsed: dates are revived, defaults filled in, unknown keys gone. */
const Thing = z.object({ at: z.coerce.date(), kind: z.string().default("plain") });
const at = new Date(5);
const given = { at, secret: "hunter2" };
const parsed = { at, kind: "plain" };

const contract = defineContract({
  shared: {
    topics: { things: { payload: Thing }, "old/:id": { payload: Thing, history: { size: 4 } } },
    serverToClient: { thing: { payload: Thing } },
  },
  roles: {
    member: {
      clientToServer: {
        echo: { input: Thing, output: Thing },
        wrong: { input: z.object({}), output: z.object({ n: z.number() }) },
        big: { input: z.object({}), output: z.any() },
        note: { payload: Thing },
      },
      serverToClient: { ask: { input: Thing, output: Thing } },
    },
  },
  serverToServer: { told: { payload: Thing }, asked: { input: Thing, output: Thing } },
});

/** Two nodes and a client of each, with all that happened. */
async function setup() {
  const bus = createMemoryBus();
  const handled: unknown[] = [];
  const errors: { error: unknown; stage: string; name?: string }[] = [];
  const frames: string[] = [];
  const start = async () => {
    const loopback = createLoopbackTransport();
    const hub = createHub(contract, {
      authenticate: ({ role }) => ({ role }),
      transports: [loopback],
      adapter: createMemoryAdapter({ bus }),
      history: "per-node",
      onError: (error, { stage, name }) => errors.push({ error, stage, name }),
    });
    hub.implement({
      member: {
        echo: (input) => (handled.push(input), Object.assign(input, { secret: "hunter2" })),
        wrong: () => ({ n: "hunter2" }) as never,
        big: () => ({ n: 1n }),
        note: (payload) => void handled.push(payload),
      },
    });
    await hub.ready;
    const client = createClient(contract, {
      url: "ws://loopback",
      role: "member",
      transport: recorded(loopback.client(), frames),
    });
    await client.ready;
    return { hub, client };
  };
  const [a, b] = [await start(), await start()];
  await acquainted([a.hub, b.hub]);
  return {
    a,
    b,
    handled,
    errors,
    frames,
    async [Symbol.asyncDispose]() {
      for (const { hub, client } of [a, b]) {
        await client.close();
        await hub.close();
      }
    },
  };
}

test("promise 7: handlers, listeners and answerers get parsed values, and no schema lets a secret out", async () => {
  await using rig = await setup();
  const { a, b, handled, frames } = rig;
  const heard: unknown[] = [];
  for (const { client } of [a, b]) {
    client.on("thing", (thing) => heard.push(thing));
    await client.subscribe("things", (thing) => heard.push(thing)).ready;
    await client.subscribe("old/1", (thing) => heard.push(thing)).ready;
    client.implement({ ask: (input) => (heard.push(input), { ...input, secret: "hunter2" }) });
  }
  a.hub.onServer("told", (payload) => void heard.push(payload));
  b.hub.onServer("told", (payload) => void heard.push(payload));
  b.hub.onServer("asked", (input) => (heard.push(input), Object.assign(input, { secret: "hunter2" })));

  assertEquals(await a.client.request("echo", given), parsed);
  a.client.signal("note", given);
  await waitFor(() => handled.length === 2, { what: "the signal" });
  assertEquals(handled.map((value) => ({ ...value as object, secret: undefined })), [
    { ...parsed, secret: undefined },
    { ...parsed, secret: undefined },
  ]);

  a.hub.publish("things", given);
  await a.hub.publish("old/1", given);
  a.hub.forRole("member").emit("thing", given);
  a.hub.emitServer("told", given);
  assertEquals(await a.hub.connection(a.client.connectionId!).request("ask", given), parsed);
  assertEquals(await a.hub.connection(b.client.connectionId!).request("ask", given), parsed);
  const { answers } = await a.hub.requestServers("asked", given);
  assertEquals([...answers.values()], [parsed]);
  await waitFor(() => heard.length >= 10, { what: "everything" });
  for (const value of heard) {
    assertEquals({ ...value as object, secret: undefined }, { ...parsed, secret: undefined });
  }
  assertEquals((await a.hub.history("old/1")).records.map(({ payload }) => payload), [parsed]);
  assert(frames.length > 0);
  assertEquals(frames.filter((frame) => frame.includes("hunter2")), []);
});

test("promise 7: bad data from the server is an error at its call, and reaches no client", async () => {
  await using rig = await setup();
  const { a, b } = rig;
  const heard: unknown[] = [];
  for (const { client } of [a, b]) {
    client.on("thing", (thing) => heard.push(thing));
    await client.subscribe("things", (thing) => heard.push(thing)).ready;
    await client.subscribe("old/1", (thing) => heard.push(thing)).ready;
    await (client === a.client ? a : b).hub.room("r").add({ id: client.connectionId! });
  }
  const bad = { at: "never" } as never;
  const { hub } = a;
  const calls: Record<string, () => unknown> = {
    publish: () => hub.publish("things", bad),
    history: () => hub.publish("old/1", bad),
    broadcast: () => hub.room("r").broadcast("thing", bad),
    rooms: () => hub.rooms(["r", "s"]).broadcast("thing", bad),
    user: () => hub.user("u").emit("thing", bad),
    role: () => hub.forRole("member").emit("thing", bad),
    local: () => hub.connection(a.client.connectionId!).emit("thing", bad),
    remote: () => hub.connection(b.client.connectionId!).emit("thing", bad),
    emitServer: () => hub.emitServer("told", bad),
    requestServers: () => hub.requestServers("asked", bad),
    askLocal: () => hub.connection(a.client.connectionId!).request("ask", bad),
    askRemote: () => hub.connection(b.client.connectionId!).request("ask", bad),
    request: () => a.client.request("echo", bad),
    signal: () => a.client.signal("note", bad),
  };
  for (const [name, call] of Object.entries(calls)) {
    assertEquals([name, await codeOf(call)], [name, "VALIDATION"]);
  }
  const unknown = "nothing" as never;
  const missing: Record<string, () => unknown> = {
    publish: () => hub.publish(unknown, given as never),
    broadcast: () => hub.room("r").broadcast(unknown, given as never),
    user: () => hub.user("u").emit(unknown, given as never),
    remote: () => hub.connection(b.client.connectionId!).emit(unknown, given as never),
    emitServer: () => hub.emitServer(unknown, given as never),
    requestServers: () => hub.requestServers(unknown, given as never),
    onServer: () => hub.onServer(unknown, () => {}),
    ask: () => hub.connection(a.client.connectionId!).request(unknown, given as never),
    proto: () => hub.room("r").broadcast("toString" as never, given as never),
    history: () => hub.history("things" as never),
    request: () => a.client.request(unknown, given as never),
  };
  for (const [name, call] of Object.entries(missing)) {
    assertEquals([name, await codeOf(call)], [name, "NOT_FOUND"]);
  }
  hub.forRole("member").emit("thing", given);
  await waitFor(() => heard.length === 2, { what: "the good one" });
  await turn();
  assertEquals([heard, rig.errors], [[parsed, parsed], []]);
});

test("promise 7: output that breaks the contract is INTERNAL for the client, and reported to the hub in full", async () => {
  await using rig = await setup();
  const { a, errors, frames } = rig;
  assertEquals((await rejection(a.client.request("wrong", {}))).code, "INTERNAL");
  assertEquals((await rejection(a.client.request("big", {}))).code, "INTERNAL");
  assertEquals(errors.map(({ stage, name }) => [stage, name]), [["output", "wrong"], ["output", "big"]]);
  assertEquals((errors[0]!.error as HubError).code, "VALIDATION");
  assertEquals(frames.filter((frame) => frame.includes("hunter2")), []);
  assertEquals(a.hub.stats().handling, 0);
});

test("promise 7: a value that cannot be encoded is an error at the call, on one node and on many", async () => {
  const cycle: Record<string, unknown> = {};
  cycle.cycle = cycle;
  const free = defineContract({
    shared: {
      topics: { free: { payload: z.any() }, old: { payload: z.any(), history: { size: 4 } } },
      serverToClient: { free: { payload: z.any() }, ask: { input: z.any(), output: z.any() } },
    },
    roles: { member: { clientToServer: { free: { input: z.any(), output: z.any() } } } },
    serverToServer: { free: { payload: z.any() }, ask: { input: z.any(), output: z.any() } },
  });
  for (const adapter of [undefined, createMemoryAdapter({ bus: createMemoryBus() })]) {
    const loopback = createLoopbackTransport();
    const errors: unknown[] = [];
    await using hub = createHub(free, {
      authenticate: ({ role }) => ({ role }),
      transports: [loopback],
      adapter,
      history: "per-node",
      onError: (error) => errors.push(error),
    });
    hub.implement({ member: { free: (input) => input } });
    await hub.ready;
    const line = loopback.client();
    await using client = createClient(free, {
      url: "ws://loopback",
      role: "member",
      transport: line,
      reconnect: { baseMs: 1, maxMs: 1 },
    });
    await client.ready;
    const heard: unknown[] = [];
    let recovered: unknown;
    client.on("free", (value) => heard.push(value));
    await client.subscribe("free", (value) => heard.push(value)).ready;
    await client.subscribe("old", (value) => heard.push(value), {
      onRecovery: (recovery) => recovered = recovery.recovered,
    }).ready;
    const id = client.connectionId!;
    for (
      const bad of [1n, cycle, {
        toJSON: () => {
          throw new Error("no");
        },
      }]
    ) {
      const calls: Record<string, () => unknown> = {
        publish: () => hub.publish("free", bad),
        history: () => hub.publish("old", bad),
        role: () => hub.forRole("member").emit("free", bad),
        conn: () => hub.connection(id).emit("free", bad),
        ask: () => hub.connection(id).request("ask", bad, { timeoutMs: 50 }),
        request: () => client.request("free", bad),
      };
      for (const [name, call] of Object.entries(calls)) {
        assertEquals([name, await codeOf(call)], [name, "BAD_REQUEST"]);
      }
    }
    assertEquals(hub.stats().asking, 0);
    await hub.publish("old", "good");
    await waitFor(() => heard.length === 1, { what: "the good one" });
    line.sever();
    const state = { score: 1 };
    await hub.publish("old", state);
    state.score = 2; // is the publisher's own business: what was published stays as it was
    await waitFor(() => recovered !== undefined, { what: "the recovery" });
    assertEquals([heard, recovered, errors], [["good", { score: 1 }], true, []]);
    assertEquals((await hub.history("old")).records.length, 2);
  }
});

test("promise 7: an asynchronous schema works in requests, in order, and nowhere else", async () => {
  const gates: (() => void)[] = [];
  const slow: Schema<{ n: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async (value) => {
        await new Promise<void>((resolve) => void gates.push(resolve));
        return { value: value as { n: number } };
      },
    },
  };
  const contract = defineContract({
    shared: { topics: { slow: { payload: slow } }, serverToClient: { slow: { payload: slow } } },
    roles: {
      member: {
        clientToServer: {
          slow: { input: slow, output: z.number() },
          fast: { input: z.object({ n: z.number() }), output: z.number() },
          note: { payload: z.object({ n: z.number() }) },
          bad: { payload: slow },
        },
      },
    },
    serverToServer: { slow: { payload: slow } },
  });
  const loopback = createLoopbackTransport();
  const errors: { error: unknown; stage: string }[] = [];
  await using hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    transports: [loopback],
    onError: (error, { stage }) => errors.push({ error, stage }),
  });
  const handled: string[] = [];
  hub.implement({
    member: {
      slow: ({ n }) => (handled.push(`slow ${n}`), n),
      fast: ({ n }) => (handled.push(`fast ${n}`), n),
      note: ({ n }) => void handled.push(`note ${n}`),
      bad: () => {},
    },
  });
  await hub.ready;
  const client = await rawClient(loopback.client());
  const say = (n: number) =>
    client.say(["req", n, "slow", { n }], ["sig", "note", { n }], ["req", n + 100, "fast", { n }]);
  say(1);
  say(2);
  await turn();
  assertEquals([handled, hub.stats().handling], [[], 6]);
  gates.shift()!();
  await turn();
  assertEquals(handled, ["slow 1", "note 1", "fast 1"]);
  gates.shift()!();
  await turn();
  assertEquals(handled, ["slow 1", "note 1", "fast 1", "slow 2", "note 2", "fast 2"]);
  assertEquals(client.heard.slice(1), [["res", 1, 1], ["res", 101, 1], ["res", 2, 2], ["res", 102, 2]]);

  // Taken back while its schema takes its time: the handler never sees it.
  client.say(["req", 3, "slow", { n: 3 }], ["cancel", 3], ["sig", "note", { n: 3 }]);
  await turn();
  gates.shift()!();
  await turn();
  assertEquals(handled.slice(6), ["note 3"]);

  // A signal's order must not depend on its schema.
  client.say(["sig", "bad", { n: 1 }]);
  await turn();
  assertEquals(client.heard.at(-1), ["fault", {
    code: "INTERNAL",
    message: 'Cannot handle "bad": internal error, see onError of the server',
  }, "bad"]);
  assertEquals(errors.splice(0).map(({ stage }) => stage), ["handler"]);
  client.say(["req", 9, "slow", { n: 9 }]);
  await turn();
  client.leave();
  await turn();
  gates.splice(0).forEach((open) => open());
  await turn();
  assertEquals([handled.length, hub.stats().handling], [7, 0]);
  for (
    const call of [
      () => hub.publish("slow", { n: 1 }),
      () => hub.forRole("member").emit("slow", { n: 1 }),
      () => hub.emitServer("slow", { n: 1 }),
    ]
  ) assertThrows(call, TypeError, "asynchronous");
  assertEquals(errors, []);
});

testOnAdapters(
  "promise 7: bad data from the backplane is dropped and reported, and delivers nothing",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const ann = await a!.member("ann");
    const heard: unknown[] = [];
    await ann.request("join", { room: "lobby" });
    ann.on("message", ({ text }) => heard.push(text));
    ann.on("dm", ({ text }) => heard.push(text));
    await ann.subscribe("stats", ({ n }) => heard.push(n)).ready;
    await ann.subscribe("log/x", ({ n }) => heard.push(n)).ready;
    a!.hub.onServer("invalidate", ({ key }) => void heard.push(key));
    const node = `node:${a!.hub.nodeId}`;
    const bad: [string, unknown][] = [
      ["room:lobby", ["ev", "message", null, { text: 1 }]],
      ["room:lobby", ["ev", "nothing", null, {}]],
      ["room:lobby", ["evs", "id1", ["lobby"], "message", null, { room: 5 }]],
      ["topic:stats", ["pub", { n: "one" }]],
      ["topic:log/x", ["pub", { n: "one" }]],
      [node, ["to", ann.connectionId, "message", { text: 1 }]],
      ["cluster", ["bus", "invalidate", { key: 1 }]],
      ["cluster", ["bus", "nothing", {}]],
    ];
    for (const [channel, message] of bad) a!.tap.inject(channel, JSON.stringify([message]));
    assertEquals(
      a!.errors.map(({ info: { stage, channel } }) => `${stage} ${channel}`),
      bad.map(([channel]) => `delivery ${channel}`),
    );
    b!.hub.room("lobby").broadcast("message", { room: "lobby", text: "good" });
    await waitFor(() => heard.length > 0, { what: "the good one" });
    assertEquals(heard, ["good"]);
    assertEquals((await a!.hub.history("log/x")).records, []);
  },
);
