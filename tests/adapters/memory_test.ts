import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createMemoryAdapter, createMemoryBus, type MemoryBus } from "../../adapters/memory.ts";
import type { Adapter } from "../../adapters/adapter.ts";
import { adapterConformance } from "../../conformance/mod.ts";
import { test } from "../harness.ts";

const bus = createMemoryBus();
const cases = adapterConformance({
  create: ({ prefix }) => createMemoryAdapter({ bus, prefix }),
  faults: { stop: () => bus.down(), start: () => bus.up() },
});
for (const { name, skip, run } of cases) {
  if (skip) test.skip(`memory: ${name}`, skip);
  else test(`memory: ${name}`, run);
}

/** A node that writes down what happens to it. */
async function openNode(nodeId: string, options: { bus?: MemoryBus; prefix?: string } = {}) {
  const adapter = createMemoryAdapter(options);
  const got: string[] = [];
  const events: string[] = [];
  await adapter.open({
    nodeId,
    deliver: (channel, data, from) => void got.push(`${channel} ${data} of ${from}`),
    onError: (error, { stage, channel }) => void events.push(`${stage} ${channel}: ${error.message}`),
    onStatus: (status) => void events.push(status),
    onGap: () => {},
  });
  return { adapter, got, events };
}

/** When this resolves, all messages under way on a bus have arrived. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

test("memory: without a bus the adapter is solitary, opens, and carries nothing", async () => {
  const { adapter, got, events } = await openNode("a");
  assertEquals(adapter.solitary, true);
  await adapter.subscribe("news");
  adapter.publish("news", "hello");
  await adapter.unsubscribe("news");
  await adapter.close();
  await settled();
  assertEquals([got, events], [[], ["up"]]);
});

test("memory: delivery never happens inside publish, and goes to the subscribers at the time of delivery", async () => {
  const bus = createMemoryBus();
  const [a, b, c, d] = await Promise.all(["a", "b", "c", "d"].map((id) => openNode(id, { bus })));
  assertEquals(a.adapter.solitary, false);
  for (const { adapter } of [b, c]) await adapter.subscribe("news");
  a.adapter.publish("news", "hello");
  assertEquals(b.got, []);
  const late = d.adapter.subscribe("news");
  const gone = b.adapter.unsubscribe("news");
  const closed = c.adapter.close();
  await Promise.all([late, gone, closed]);
  await settled();
  assertEquals([b.got, c.got, d.got], [[], [], ["news hello of a"]]);
  for (const { adapter } of [a, b, d]) await adapter.close();
});

test("memory: a listener that closes a node during delivery keeps the rest from it, and nothing from others", async () => {
  const bus = createMemoryBus();
  const a = await openNode("a", { bus });
  const c = await openNode("c", { bus });
  const got: unknown[] = [];
  const b: Adapter = createMemoryAdapter({ bus });
  await b.open({
    nodeId: "b",
    deliver: (_, data) => {
      got.push(data);
      b.close();
    },
    onError: () => {},
    onStatus: () => {},
    onGap: () => {},
  });
  await b.subscribe("news");
  await c.adapter.subscribe("news");
  a.adapter.publish("news", "1");
  a.adapter.publish("news", "2");
  await settled();
  assertEquals([got, c.got], [["1"], ["news 1 of a", "news 2 of a"]]);
  for (const adapter of [a.adapter, c.adapter]) await adapter.close();
});

test("memory: a bus that goes down loses and reports messages under way, and tells each node once", async () => {
  const bus = createMemoryBus();
  const [a, b] = [await openNode("a", { bus }), await openNode("b", { bus })];
  await b.adapter.subscribe("news");
  a.adapter.publish("news", "under way");
  bus.down();
  bus.down();
  assertEquals(bus.status, "down");
  a.adapter.publish("news", "lost");
  const late = b.adapter.subscribe("late");
  const left = assertRejects(() => b.adapter.subscribe("left"), Error, "unsubscribed meanwhile");
  await b.adapter.unsubscribe("left");
  await left;
  await settled();
  const lost = 'publish news: Cannot publish on "news": the memory bus is down';
  assertEquals(a.events, ["up", "down", lost, lost]);
  bus.up();
  bus.up();
  await late;
  a.adapter.publish("news", "again");
  await settled();
  assertEquals([b.got, b.events], [["news again of a"], ["up", "down", "up"]]);
  for (const { adapter } of [a, b]) await adapter.close();
});

test("memory: isolated nodes reach only each other until they rejoin, and no status is reported", async () => {
  const bus = createMemoryBus();
  const nodes = await Promise.all(["a", "b", "c", "d"].map((id) => openNode(id, { bus })));
  for (const { adapter } of nodes) await adapter.subscribe("news");
  const heard = async (): Promise<string[]> => {
    for (const { got } of nodes) got.length = 0;
    for (const { adapter } of nodes) adapter.publish("news", "");
    await settled();
    return nodes.map(({ got }) => got.map((line) => line.at(-1)).join(""));
  };
  assertEquals(await heard(), ["bcd", "acd", "abd", "abc"]);
  bus.isolate("a", "b");
  assertEquals(await heard(), ["b", "a", "d", "c"]);
  bus.isolate("b");
  assertEquals(await heard(), ["", "", "d", "c"]);
  bus.rejoin("b");
  assertEquals(await heard(), ["", "cd", "bd", "bc"]);
  bus.rejoin();
  assertEquals(await heard(), ["bcd", "acd", "abd", "abc"]);
  for (const { adapter, events } of nodes) {
    assertEquals(events, ["up"]);
    await adapter.close();
  }
});

test("memory: two buses never meet", async () => {
  const [a, b] = [
    await openNode("a", { bus: createMemoryBus() }),
    await openNode("b", { bus: createMemoryBus() }),
  ];
  await b.adapter.subscribe("news");
  a.adapter.publish("news", "hello");
  await settled();
  assertEquals(b.got, []);
  for (const { adapter } of [a, b]) await adapter.close();
});

test("memory: bytes are copied once, even out of a Buffer, whose slice() is a view", async () => {
  const bus = createMemoryBus();
  const received: unknown[] = [];
  const a = await openNode("a", { bus });
  const others = ["b", "c"].map(() => createMemoryAdapter({ bus }));
  for (const [i, adapter] of others.entries()) {
    await adapter.open({
      nodeId: `other ${i}`,
      deliver: (_, data) => void received.push(data),
      onError: () => {},
      onStatus: () => {},
      onGap: () => {},
    });
    await adapter.subscribe("news");
  }
  const bytes = Buffer.from([1, 2, 3]);
  a.adapter.publish("news", bytes);
  bytes.fill(0);
  await settled();
  assertEquals(received[0], new Uint8Array([1, 2, 3]));
  assert(received[0] === received[1]);
  for (const adapter of [a.adapter, ...others]) await adapter.close();
});

test("memory: a bus of another making is refused", () => {
  const forged: MemoryBus = { status: "up", down() {}, up() {}, isolate() {}, rejoin() {} };
  assertThrows(
    () => createMemoryAdapter({ bus: forged }),
    TypeError,
    "give a bus that createMemoryBus() returned",
  );
});
