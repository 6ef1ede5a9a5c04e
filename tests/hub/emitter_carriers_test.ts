/** The effects of adapters and stores of histories on an emitter. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  createEmitter,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryHistory,
  systemClock,
} from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import type { HistoryStore } from "@trunkline/hub/adapters/history-store";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, createNode } from "./chat.ts";

test("emitter: close waits for a slow store of histories, and all nodes get the stored messages", async () => {
  const clock = new FakeClock();
  const bus = createMemoryBus();
  const history = createMemoryHistory();
  await using node = await createNode(bus, { history });
  const heard: number[] = [];
  const client = await node.member();
  await client.subscribe("log/x", ({ n }) => heard.push(n)).ready;
  const stores = Promise.withResolvers<void>();
  let isAsked = false;
  const slow: HistoryStore = {
    name: "slow",
    publishes: false,
    async append(...given) {
      isAsked = true;
      await stores.promise;
      return history.append(...given);
    },
    read: (...given) => history.read(...given),
  };
  const errors: unknown[] = [];
  const emitter = createEmitter(chat, {
    adapter: createMemoryAdapter({ bus }),
    history: slow,
    clock,
    onError: (error) => errors.push(error),
  });
  const kept = emitter.publish("log/x", { n: 1 });
  const closing = emitter.close();
  await waitFor(() => isAsked, { what: "the store to be asked" });
  let isClosed = false;
  void closing.then(() => isClosed = true);
  for (let ms = 0; ms < 5_000; ms += 500) { // less than backplaneTimeoutMs
    clock.advance(500);
    await new Promise((resolve) => systemClock.after(0, () => resolve(undefined)));
  }
  assert(!isClosed, "it waits");
  stores.resolve();
  await closing;
  assertEquals((await kept).offset, 1);
  await waitFor(() => heard.length === 1, { what: "what was kept" });
  assertEquals([heard, errors], [[1], []]);
});

test("emitter: nothing is asked of a store of histories that is not open", async () => {
  const bus = createMemoryBus();
  const history = createMemoryHistory();
  const calls: string[] = [];
  const opens = Promise.withResolvers<void>();
  const store: HistoryStore = {
    name: "store",
    publishes: false,
    async open() {
      calls.push("opens");
      await opens.promise;
      calls.push("is open");
    },
    async append(...given) {
      calls.push("append");
      return await history.append(...given);
    },
    read: (...given) => history.read(...given),
  };
  await using emitter = createEmitter(chat, { adapter: createMemoryAdapter({ bus }), history: store });
  const kept = emitter.publish("log/x", { n: 1 });
  await waitFor(() => calls.length > 0, { what: "the store to open" });
  opens.resolve();
  await kept;
  assertEquals(calls, ["opens", "is open", "append"]);
});

test("emitter: an adapter that is already in use is refused, and left unchanged", async () => {
  const bus = createMemoryBus();
  const adapter = createMemoryAdapter({ bus });
  await using node = await createNode(bus);
  let heard = 0;
  const client = await node.member();
  await client.subscribe("stats", () => heard++).ready;
  await using first = createEmitter(chat, { adapter });
  await first.ready;
  const errors: unknown[] = [];
  const second = createEmitter(chat, { adapter, onError: (error) => errors.push(error) });
  await assertRejects(() => second.ready, TypeError, "twice");
  await second.close();
  const hub = createHub(chat, {
    authenticate: ({ role }) => ({ role, user: undefined }),
    adapter,
    onError: (error) => errors.push(error),
  });
  await assertRejects(() => hub.ready, TypeError, "twice");
  await hub.close();
  first.publish("stats", { n: 1 });
  await waitFor(() => heard === 1, { what: "what the first one sends" });
  assertEquals(errors.map((error) => (error as Error).message.includes("twice")), [true, true]);
});

test("emitter: an error of the adapter for a queued message is reported, and costs only that message", async () => {
  const opens = Promise.withResolvers<void>();
  const published: string[] = [];
  const adapter: Adapter = Object.assign(createMemoryAdapter({ bus: createMemoryBus() }), {
    open: () => opens.promise,
    publish(channel: string) {
      if (channel === "topic:stats") throw new Error("not this one");
      published.push(channel);
    },
  });
  const told: string[] = [];
  await using emitter = createEmitter(chat, {
    adapter,
    onError: (error, { stage, channel }) => told.push(`${stage} ${channel} ${(error as Error).message}`),
  });
  emitter.publish("stats", { n: 1 });
  emitter.room("r").broadcast("dm", { text: "hi" });
  const closing = emitter.close(); // so that both wait already
  opens.resolve();
  await closing;
  assertEquals([told, published], [["publish topic:stats not this one"], ["room:r"]]);
});

test("emitter: an adapter whose open throws, or returns no promise, is reported at once", async () => {
  for (
    const open of [() => {
      throw new Error("no way");
    }, () => undefined]
  ) {
    const clock = new FakeClock(); // it never moves
    const adapter: Adapter = Object.assign(createMemoryAdapter({ bus: createMemoryBus() }), {
      open: open as () => never,
    });
    const told: string[] = [];
    const emitter = createEmitter(chat, {
      adapter,
      clock,
      onError: (error) => told.push((error as Error).message),
    });
    emitter.publish("stats", { n: 1 });
    const outcome = await emitter.ready.then(() => "open", (error) => error.message);
    await emitter.close();
    if (outcome === "open") assertEquals(told, []);
    else assertEquals([outcome, told.every((text) => text.endsWith("no way"))], ["no way", true]);
  }
});
