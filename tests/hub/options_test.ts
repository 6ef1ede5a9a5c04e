import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createClient } from "../../client/mod.ts";
import { defineContract } from "../../contract/mod.ts";
import { createMemoryAdapter, createMemoryBus } from "../../adapters/memory.ts";
import { createEmitter, createHub } from "../../hub/mod.ts";
import { createLoopbackTransport } from "../../transports/loopback.ts";
import { documentedOptions, put } from "../options/documented_options.ts";
import { waitFor } from "../harness.ts";
import { test } from "../harness.ts";
import { z } from "zod";

const contract = defineContract({
  shared: {
    serverToClient: { dm: { payload: z.number() } },
    topics: { stats: { payload: z.number() }, "ticker/:symbol": { payload: z.number() } },
  },
  roles: {
    member: {
      clientToServer: { echo: { input: z.string(), output: z.string() } },
      serverToClient: { confirm: { input: z.string(), output: z.boolean() } },
      topics: { news: { payload: z.string() } },
    },
  },
  serverToServer: { load: { input: z.object({}), output: z.number() } },
});

/** Every documented option of a bag, as `undefined`. */
async function undefinedOptions(...bags: [path: string, name: string, within?: string][]): Promise<object> {
  const all: Record<string, object | undefined> = {};
  for (const [path, name, within] of bags) {
    for (const option of await documentedOptions(path, name)) {
      const [first, ...rest] = (within ? `${within}.${option}` : option).split(".");
      if (rest.length === 0) all[first!] ??= undefined;
      else all[first!] = { ...all[first!], ...put(rest.join("."), undefined) };
    }
  }
  return all;
}

test("a hub and a client with every option undefined work as those without", async () => {
  const hubOptions = await undefinedOptions(
    ["hub/api/options.ts", "HubOptions"],
    ["hub/api/limits.ts", "HubLimits", "limits"],
  );
  const clientOptions = await undefinedOptions(
    ["client/options.ts", "ClientOptions"],
    ["client/reconnect.ts", "ReconnectOptions", "reconnect"],
  );
  const loopback = createLoopbackTransport();
  await using hub = createHub(contract, {
    ...hubOptions,
    authenticate: async ({ role }) => (await Promise.resolve(), { role }),
    transports: [loopback],
  });
  hub.implement({ member: { echo: (text) => text } });
  await hub.ready;
  await using client = createClient(contract, {
    ...clientOptions,
    url: "ws://loopback",
    role: "member",
    transport: loopback.client(),
  });
  client.implement({ confirm: () => true });
  await client.ready;
  const options = { timeoutMs: undefined, signal: undefined };
  assertEquals(await client.request("echo", "x", options), "x");
  assertEquals(await hub.connection(client.connectionId!).request("confirm", "?", options), true);
  const heard: number[] = [];
  const subscription = client.subscribe("stats", (n) => heard.push(n), {
    signal: undefined,
    onRecovery: undefined,
  });
  await subscription.ready;
  hub.publish("stats", 1);
  await waitFor(() => heard.length === 1, { what: "the message" });
  assertEquals(await hub.cluster.count({}, options), { count: 1, missing: [] });
  await hub.close({ drainMs: undefined });
});

test("a rule for a topic that the contract does not have is refused, with the topic that was meant", () => {
  const create = (authorize: object) => () =>
    createHub(contract, { authenticate: ({ role }) => ({ role }), authorize });
  const cases: [object, string][] = [
    [
      { stat: () => true },
      'Cannot use authorize.stat of createHub: the contract has no topic of this pattern, did you mean "stats"?',
    ],
    [{ "ticker/:sym": () => true }, 'did you mean "ticker/:symbol"?'],
    [{ "ticker/ACME": () => true }, "the contract has no topic of this pattern"],
    [{ nothing: undefined }, "the contract has no topic of this pattern"],
    [{ stats: true }, "Cannot use true as authorize.stats of createHub: give a function"],
    [{ constructor: () => true }, "the contract has no topic of this pattern"],
  ];
  for (const [authorize, message] of cases) assertThrows(create(authorize), TypeError, message);
  const all = { stats: () => true, "ticker/:symbol": undefined, news: () => true };
  void createHub(contract, { authenticate: ({ role }) => ({ role }), authorize: all }).close();
});

test("rules that are methods of a class are refused, and not skipped in silence: their topics would be open", () => {
  class Rules {
    stats() {
      return false;
    }
  }
  const authenticate = ({ role }: { readonly role: string }) => ({ role });
  const message =
    "Cannot use this object as authorize of createHub: give a plain object, because what an object inherits, " +
    "such as methods of a class, is not read";
  for (
    const authorize of [
      new Rules(),
      Object.create({ stats: () => false }),
      new (class extends Rules {})(),
    ]
  ) {
    assertThrows(() => createHub(contract, { authenticate, authorize } as never), TypeError, message);
  }
  const bare = Object.assign(Object.create(null), { stats: () => false });
  void createHub(contract, { authenticate, authorize: bare } as never).close();
});

test("a hub needs a contract and options", () => {
  const create = createHub as (...args: unknown[]) => unknown;
  const options = { authenticate: () => ({ role: "member" }) };
  const cases: [unknown[], string][] = [
    [[], "Cannot do without the contract of createHub: give what defineContract() returned"],
    [[contract.definition, options], "Cannot use this object as the contract of createHub"],
    [[contract], "Cannot do without authenticate of createHub: give a function"],
    [[contract, null], "Cannot use null as the options of createHub"],
    [[contract, Promise.resolve(options)], "Cannot use this object as the options of createHub"],
    [[contract, { ...options, transport: [] }], 'there is no such option, did you mean "transports"?'],
    [
      [contract, { ...options, limits: { maxFrameByte: 1 } }],
      'Cannot use limits.maxFrameByte of createHub: there is no such option, did you mean "maxFrameBytes"?',
    ],
    [
      [contract, { ...options, origins: "https://app.example" }],
      "Cannot use this string as origins of createHub",
    ],
  ];
  for (const [args, message] of cases) assertThrows(() => create(...args), TypeError, message);
});

test("options of calls are checked like all others, and a wrong call does nothing", async () => {
  const loopback = createLoopbackTransport();
  await using hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    transports: [loopback],
    requestTimeoutMs: 60_000,
  });
  await hub.ready;
  await using client = createClient(contract, {
    url: "ws://x",
    role: "member",
    transport: loopback.client(),
  });
  let asked = 0;
  client.implement({ confirm: () => ++asked > 0 });
  await client.ready;
  const target = hub.connection(client.connectionId!);
  const { cluster } = hub;
  const everybody = { all: true } as const;
  const calls: [string, (options: never) => Promise<unknown>][] = [
    ["request", (options) => target.request("confirm", "?", options)],
    ["requestServers", (options) => hub.requestServers("load", {}, options)],
    ["count", (options) => cluster.count({}, options)],
    ["connections", (options) => cluster.connections({}, options)],
    ["exists", (options) => cluster.exists({}, options)],
    ["disconnect", (options) => cluster.disconnect(everybody, options)],
    ["join", (options) => cluster.join(everybody, "r", options)],
    ["leave", (options) => cluster.leave(everybody, "r", options)],
  ];
  const wrong: [object | null, string][] = [
    [{ timeoutMs: NaN }, "Cannot use NaN as timeoutMs"],
    [{ timeoutMs: 0 }, "Cannot use 0 as timeoutMs"],
    [{ timeoutMs: null }, "Cannot use null as timeoutMs"],
    [{ timeout: 1 }, 'did you mean "timeoutMs"?'],
    [{ signal: {} }, "give an AbortSignal"],
    [null, "Cannot use null as the options"],
  ];
  for (const [name, call] of calls) {
    for (const [options, message] of wrong) {
      const error = await assertRejects(() => call(options as never), Error, message, name);
      assert(error.message.includes(`of ${name}`), error.message);
    }
  }
  assertEquals([asked, client.status, hub.stats().asking], [0, "open", 0]);
  assertEquals(await target.request("confirm", "?", { timeoutMs: undefined }), true);
  assertThrows(() => hub.room("r").broadcast("dm", 1, { excpet: client } as never), TypeError, '"except"');
  assertThrows(
    () => hub.rooms(["r"]).broadcast("dm", 1, { except: null } as never),
    TypeError,
    "Cannot use null as except",
  );
  await assertRejects(() => hub.close({ drainMs: NaN }), RangeError, "Cannot use NaN as drainMs of close");
  assertEquals(client.status, "open");
});

test("misspelt handlers, and values that are no functions, are refused with the name that was meant", () => {
  const hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    transports: [createLoopbackTransport()],
  });
  const cases: [unknown, string][] = [
    [undefined, "Cannot do without the handlers of implement"],
    [null, "Cannot use null as the handlers of implement"],
    [{ membr: {} }, 'Cannot implement "membr": no role of that name, did you mean "member"?'],
    [{ member: null }, "Cannot use null as member of implement"],
    [
      { member: { ecco: () => "" } },
      'Cannot implement "ecco" of "member": the contract has none, did you mean "echo"?',
    ],
    [{ member: { echo: "x" } }, "Cannot use this string as member.echo of implement: give a function"],
    [{}, "Cannot implement the contract without handlers for member.echo"],
  ];
  for (const [handlers, message] of cases) {
    assertThrows(() => hub.implement(handlers as never), TypeError, message);
  }
  void hub.close();
});

test('emit refuses a third argument: if "except" were ignored, the event would reach the connection to leave out', async () => {
  await using hub = createHub(contract, { authenticate: ({ role }) => ({ role }) });
  await using emitter = createEmitter(contract, { adapter: createMemoryAdapter({ bus: createMemoryBus() }) });
  type Emit = (name: string, payload: unknown, options?: unknown) => void;
  for (const sender of [hub, emitter]) {
    for (const target of [sender.forRole("member"), sender.user("ann")]) {
      const emit = target.emit as unknown as Emit;
      assertThrows(() => emit("dm", 1, { except: { id: "x.1" } }), TypeError, "Cannot use options of emit");
      emit("dm", 1, undefined);
    }
  }
});
