/**
 * Adapters and stores of applications that break their contract: they never answer, or they answer nonsense.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  createEmitter,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryHistory,
  createMemoryPresence,
  defineContract,
} from "@trunkline/hub";
import { z } from "zod";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, createNode } from "./chat.ts";
import { createRig, type Report, type Rig } from "./rig.ts";
import { rawClient, turn } from "./wires.ts";

/** An object whose method is another one. */
function broken<T extends object>(inner: T, method: keyof T, instead: () => unknown): T {
  return new Proxy(inner, {
    get(target, name) {
      if (name === method) return instead;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const never = () => new Promise(() => {});

/** Closes while time passes; fails unless that ends. */
async function closeLater(hub: { close(): Promise<void> }, clock: FakeClock): Promise<void> {
  let isClosed = false;
  const closing = hub.close().then(() => isClosed = true);
  await waitFor(async () => {
    clock.advance(1_000);
    await turn();
    return isClosed;
  }, { what: "the close" });
  await closing;
}

const messages = (reports: readonly Report[]) =>
  reports.filter(({ info }) => info.stage === "close").map(({ error }) => (error as Error).message);

test("a hub closes although its adapter or a store never closes, and says so", async () => {
  const bus = createMemoryBus();
  for (const part of ["adapter", "store"]) {
    const clock = new FakeClock();
    let closed = 0;
    const memory = createMemoryAdapter({ bus });
    const close = () => (closed++, part === "adapter" ? never() : memory.close());
    const history = createMemoryHistory();
    const node = await createNode(undefined, {
      clock,
      backplaneTimeoutMs: 2_000,
      cluster: { joinTimeoutMs: 0 },
      adapter: broken(memory, "close", close),
      history: part === "store" ? broken(history, "close", never) : history,
    });
    await closeLater(node.hub, clock);
    const what = part === "adapter" ? "backplane memory" : "the histories";
    assertEquals(messages(node.errors), [
      `Cannot close ${what} within 7000 ms: it may still hold its connections`,
    ]);
    assertEquals([closed, clock.pending], [1, 0]);
  }
});

test("a hub closes its adapter although its store of presence answers nonsense, which it reports", async () => {
  const contract = defineContract({
    presence: { "room/:id": { state: z.object({}) } },
    roles: { member: {} },
  });
  let closed = 0;
  const memory = createMemoryAdapter({ bus: createMemoryBus() });
  const rig: Rig<(typeof contract)["definition"]> = createRig(contract, {
    adapter: broken(memory, "close", () => (closed++, memory.close())),
    presence: { kind: "central", store: broken(createMemoryPresence(), "write", () => undefined) },
    onConnection: (conn) => rig.hub.room("room/1").add(conn),
  });
  await rig.hub.ready;
  const raw = await rawClient(rig.loopback.client());
  assertEquals(raw.heard[0]?.[0], "welcome");
  await waitFor(() => rig.errors.length > 0, { what: "the report" });
  await rig.hub.close();
  assertEquals(closed, 1);
});

test("an emitter closes although its adapter never does", async () => {
  const clock = new FakeClock();
  const reports: Report[] = [];
  const emitter = createEmitter(chat, {
    adapter: broken(createMemoryAdapter({ bus: createMemoryBus() }), "close", never),
    clock,
    onError: (error, info) => void reports.push({ error, info }),
  });
  await emitter.ready;
  await closeLater(emitter, clock);
  assertEquals([messages(reports).length, clock.pending], [1, 0]);
});

test("an adapter whose publish is asynchronous, and rejects, is reported, and does not end the process", async () => {
  const refuse = () => Promise.reject(new Error("no room"));
  const adapter = () => broken(createMemoryAdapter({ bus: createMemoryBus() }), "publish", refuse);
  const node = await createNode(undefined, { adapter: adapter() });
  node.hub.publish("stats", { n: 1 });
  const published = () => node.errors.filter(({ info }) => info.channel === "topic:stats");
  await waitFor(() => published().length > 0, { what: "the report" });
  assertStringIncludes((published()[0]!.error as Error).message, "no room");
  await node.hub.close();
  const reports: Report[] = [];
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const emitter = createEmitter(chat, {
    adapter: broken(adapter(), "open", () => opened),
    onError: (error, info) => void reports.push({ error, info }),
  });
  emitter.publish("stats", { n: 1 });
  await turn();
  open(); // what was published before it is sent now
  await emitter.ready;
  await waitFor(() => reports.length === 1, { what: "the first report" });
  emitter.publish("stats", { n: 2 });
  await waitFor(() => reports.length === 2, { what: "the second report" });
  await emitter.close();
});
