import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type BroadcastChannelAdapterOptions,
  createBroadcastChannelAdapter,
} from "../../adapters/broadcast_channel/mod.ts";
import type { Adapter, AdapterData } from "../../adapters/adapter.ts";
import { adapterConformance } from "../../conformance/mod.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { WorkerAdapter } from "./worker_node.ts";

const nextTask = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Everything that is not a frame of ours, and frames of ours that are broken. */
const FOREIGN: readonly unknown[] = [
  ...[
    "text",
    "",
    7,
    null,
    undefined,
    true,
    1n,
    new Date(0),
    /x/,
    new Map([["kind", "data"]]),
    new Uint8Array(9),
  ],
  ...[[], ["trunkline.1"], ["trunkline.1", null], ["trunkline.1", {}], ["trunkline.2", {
    kind: "bye",
    from: "x",
  }]],
  ...[
    { kind: "data", from: "x", seq: 1, ask: true, entries: ["news"] },
    { kind: "data", from: "x", seq: 1, ask: true, entries: ["news", 7] },
    { kind: "data", from: "x", seq: 1, ask: true, entries: [new Uint8Array(1), "news"] },
    { kind: "data", from: "x", seq: -1, ask: true, entries: ["news", "forged"] },
    { kind: "data", from: "", seq: 1, ask: true, entries: ["news", "forged"] },
    { kind: "data", seq: 1, ask: true, entries: ["news", "forged"] },
    { kind: "ack", from: "x", to: 7, seq: 1 },
    { kind: "here", from: "x", to: "y", seq: 1.5, token: 1 },
    { kind: "__proto__", from: "x" },
    JSON.parse('{"__proto__":{"kind":"bye","from":"x"}}'),
  ].map((frame) => ["trunkline.1", frame]),
];

async function injectForeign({ prefix }: { prefix: string }): Promise<void> {
  const channel = new BroadcastChannel(`trunkline:${prefix}`);
  for (const value of FOREIGN) channel.postMessage(value);
  await nextTask();
  channel.close();
}

const register = (what: string, create: (prefix: string) => Adapter | Promise<Adapter>) => {
  const cases = adapterConformance({ create: ({ prefix }) => create(prefix), injectForeign });
  for (const { name, skip, run } of cases) {
    if (skip) test.skip(`${what}: ${name}`, skip);
    else test(`${what}: ${name}`, run);
  }
};

register("BroadcastChannel in one thread", (prefix) => createBroadcastChannelAdapter({ prefix }));

let created = 0;
register("BroadcastChannel between the main thread and workers", (prefix) => {
  // The first of three nodes is here, the other two have a worker each.
  return created++ % 3 === 0 ? createBroadcastChannelAdapter({ prefix }) : WorkerAdapter.create(prefix);
});

interface Log {
  readonly got: [channel: string, data: AdapterData, from: string][];
  readonly events: string[];
}

async function open<A extends Adapter>(adapter: A, nodeId: string): Promise<Log & { adapter: A }> {
  const log: Log = { got: [], events: [] };
  await adapter.open({
    nodeId,
    deliver: (...message) => void log.got.push(message),
    onError: (error, { stage }) => void log.events.push(`${stage}: ${error.message}`),
    onStatus: (status) => void log.events.push(status),
    onGap: (channels) => void log.events.push(`gap on ${channels ?? "all channels"}`),
  });
  return { ...log, adapter };
}

const create = (options: Partial<BroadcastChannelAdapterOptions> = {}) =>
  createBroadcastChannelAdapter({ prefix: "test", ...options });

test("BroadcastChannel: a probe tells which nodes of the same prefix there are, here and in workers", async () => {
  const a = await open(create(), "a");
  const b = await open(create(), "b");
  const w = await open(await WorkerAdapter.create("test"), "w");
  const other = await open(create({ prefix: "another" }), "x");
  assertEquals(await a.adapter.probe({ timeoutMs: 300 }), { nodes: ["b", "w"] });
  assertEquals(await other.adapter.probe({ timeoutMs: 100 }), { nodes: [] });
  await b.adapter.close();
  assertEquals(await a.adapter.probe({ timeoutMs: 300 }), { nodes: ["w"] });
  for (const { adapter } of [a, w, other]) await adapter.close();
});

test("BroadcastChannel: a probe that is aborted, or whose adapter is not open, rejects and waits for nothing", async () => {
  const clock = new FakeClock();
  const a = create({ clock });
  await assertRejects(() => a.probe(), Error, "Cannot probe: the BroadcastChannel adapter is not open");
  await open(a, "a");
  const controller = new AbortController();
  const aborted = a.probe({ signal: controller.signal });
  controller.abort(new Error("Enough"));
  await assertRejects(() => aborted, Error, "Enough");
  await assertRejects(() => a.probe({ signal: controller.signal }), Error, "Enough");
  const cut = a.probe();
  const failed = assertRejects(
    () => cut,
    Error,
    "Cannot probe: the BroadcastChannel adapter was closed meanwhile",
  );
  await a.close();
  await failed;
  assertEquals(clock.pending, 0);
});

test("BroadcastChannel: a channel opened in the turn in which the last one was closed works", async () => {
  // Deno leaves it dead, which shows late in one of 300 cases; see the adapter's #connect.
  for (let i = 0; i < 50; i++) {
    const first = new BroadcastChannel("any");
    await nextTask();
    first.close();
    const a = await open(create(), "a");
    for (let j = 0; j < 3; j++) await nextTask();
    a.adapter.publish("news", "hello");
    await nextTask();
    assertEquals(a.events, ["up"]);
    await a.adapter.close();
  }
  for (let i = 0; i < 3; i++) {
    const first = new BroadcastChannel("any");
    await nextTask();
    first.close();
    const a = create();
    const opening = open(a, "a");
    const b = await open(create(), "b");
    await opening;
    const w = await open(await WorkerAdapter.create("test"), "w");
    await w.adapter.subscribe("news");
    await b.adapter.subscribe("news");
    a.publish("news", "hello");
    await waitFor(() => w.got.length === 1 && b.got.length === 1);
    for (const adapter of [a, b.adapter, w.adapter]) await adapter.close();
  }
});

test("BroadcastChannel: a worker that reads late loses nothing, though the platform keeps only 256 messages", async () => {
  const [a, b, w] = [
    await open(create(), "a"),
    await open(await WorkerAdapter.create("test"), "b"),
    await open(await WorkerAdapter.create("test"), "w"),
  ];
  await w.adapter.subscribe("news");
  const blocked = w.adapter.tell("block", 1_000);
  const burst = b.adapter.tell("burst", "news", 1_000);
  for (let i = 0; i < 1_000; i++) {
    a.adapter.publish("news", `${i}`);
    await nextTask();
  }
  await Promise.all([blocked, burst]);
  await waitFor(() => w.got.length >= 2_000, { what: "2,000 messages" });
  for (const id of ["a", "b"]) {
    const numbers = w.got.filter(([, , from]) => from === id).map(([, data]) => Number(data));
    assertEquals(numbers, Array.from({ length: 1_000 }, (_, i) => i));
  }
  assertEquals([a.events, b.events, w.events], [["up"], ["up"], ["up"]]);
  for (const { adapter } of [a, b, w]) await adapter.close();
});

test("BroadcastChannel: a worker that died is waited for no longer than 2 s, and does not delay the others meanwhile", async () => {
  const clock = new FakeClock();
  const a = await open(create({ clock }), "a");
  const b = await open(create(), "b");
  const w = await open(await WorkerAdapter.create("test"), "w");
  await b.adapter.subscribe("news");
  await waitFor(async () => {
    const probe = a.adapter.probe({ timeoutMs: 1 });
    await nextTask();
    clock.advance(1);
    return (await probe).nodes.length === 2;
  });
  w.adapter.kill();
  let published = 0;
  await waitFor(async () => {
    a.adapter.publish("news", `${published++}`);
    await nextTask();
    clock.advance(20);
    return a.events.length > 1;
  });
  assertEquals(a.events, [
    "up",
    'publish: BroadcastChannel "test": node "w" has not answered for 2000 ms, messages to it may be lost',
  ]);
  // Enough frames to be held up again, were it still waited for.
  for (let i = 0; i < 50; i++) {
    a.adapter.publish("news", `${published++}`);
    await nextTask();
  }
  await waitFor(() => b.got.length === published);
  assertEquals(b.got.map(([, data]) => Number(data)), Array.from({ length: published }, (_, i) => i));
  for (const { adapter } of [a, b]) await adapter.close();
  assertEquals(clock.pending, 0);
});

test("BroadcastChannel: a worker that closes is not waited for", async () => {
  const clock = new FakeClock();
  const a = await open(create({ clock }), "a");
  const w = await open(await WorkerAdapter.create("test"), "w");
  await waitFor(async () => {
    const probe = a.adapter.probe({ timeoutMs: 1 });
    await nextTask();
    clock.advance(1);
    return (await probe).nodes.length === 1;
  });
  await w.adapter.close();
  for (let i = 0; i < 50; i++) {
    a.adapter.publish("news", `${i}`);
    await nextTask();
  }
  await waitFor(() => clock.pending === 0, { what: "the publisher to wait for no node" });
  assertEquals(a.events, ["up"]);
  await a.adapter.close();
});

test("BroadcastChannel: messages to a worker that does not read are limited, and the rest is refused", async () => {
  const clock = new FakeClock();
  const a = await open(create({ clock, maxPendingBytes: 1_000_000 }), "a");
  const w = await open(await WorkerAdapter.create("test"), "w");
  await w.adapter.subscribe("news");
  await waitFor(async () => {
    const probe = a.adapter.probe({ timeoutMs: 1 });
    await nextTask();
    clock.advance(1);
    return (await probe).nodes.length === 1;
  });
  const blocked = w.adapter.tell("block", 500);
  const chunk = "x".repeat(100_000);
  for (let i = 0; i < 20; i++) {
    a.adapter.publish("news", chunk);
    await Promise.resolve();
  }
  await waitFor(() => a.events.length > 1);
  const refused =
    'publish: BroadcastChannel "test": the other nodes read too slowly: more than maxPendingBytes wait for them';
  assertEquals(new Set(a.events), new Set(["up", refused]));
  await blocked;
  const arrived = 20 - (a.events.length - 1);
  await waitFor(() => w.got.length === arrived);
  // Its acknowledgement makes room again.
  await waitFor(() => {
    a.adapter.publish("news", "again");
    return w.got.some(([, data]) => data === "again");
  });
  for (const { adapter } of [a, w]) await adapter.close();
});

test("BroadcastChannel: lost frames, a repeated one, and a node with our own id are noticed and reported", async () => {
  const a = await open(create(), "a");
  await a.adapter.subscribe("news");
  const peer = new BroadcastChannel("trunkline:test");
  const send = (seq: number, text: string, from = "p") =>
    peer.postMessage(["trunkline.1", { kind: "data", from, seq, ask: false, entries: ["news", text] }]);
  send(7, "first heard");
  send(8, "next");
  send(8, "repeated");
  send(12, "after a gap");
  send(1, "an echo", "a");
  await waitFor(() => a.events.length === 5);
  assertEquals(a.got.map(([, data]) => data), ["first heard", "next", "after a gap"]);
  assertEquals(a.events, [
    "up",
    'delivery: BroadcastChannel "test": ignored a repeated message, and will not report further ones',
    'delivery: BroadcastChannel "test": the platform dropped 3 frames of node "p": this thread read too late',
    "gap on all channels",
    `delivery: BroadcastChannel "test": ignored a message under this node's own id, and will not report further ones`,
  ]);
  await a.adapter.close();
  peer.close();
});

test("BroadcastChannel: frames of a node that was given up are missed too, and a message that was missed is a gap", async () => {
  const clock = new FakeClock();
  const a = await open(create({ clock }), "a");
  await a.adapter.subscribe("news");
  const peer = new BroadcastChannel("trunkline:test");
  const send = (seq: number, text: string) =>
    peer.postMessage(["trunkline.1", { kind: "data", from: "p", seq, ask: false, entries: ["news", text] }]);
  send(7, "before");
  await waitFor(() => a.got.length === 1);
  // It acknowledges nothing.
  await waitFor(async () => {
    a.adapter.publish("other", "text");
    await nextTask();
    clock.advance(100);
    return a.events.length > 1;
  });
  send(9, "after");
  await waitFor(() => a.got.length === 2);
  assertEquals(a.events, [
    "up",
    'publish: BroadcastChannel "test": node "p" has not answered for 2000 ms, messages to it may be lost',
    'delivery: BroadcastChannel "test": the platform dropped 1 frames of node "p": this thread read too late',
    "gap on all channels",
  ]);
  await a.adapter.close();
  peer.close();
});

test("BroadcastChannel: of a larger buffer only the part that was published goes out", async () => {
  const [a, b] = [await open(create(), "a"), await open(create(), "b")];
  await b.adapter.subscribe("news");
  a.adapter.publish("news", new Uint8Array(1_000).subarray(10, 12));
  await waitFor(() => b.got.length === 1);
  const [[, data]] = b.got;
  assert(data instanceof Uint8Array);
  assertEquals([data.length, data.buffer.byteLength], [2, 2]);
  for (const { adapter } of [a, b]) await adapter.close();
});

test("BroadcastChannel: any well-formed text is a prefix, and no other", async () => {
  for (const prefix of ["with spaces", "名前 💥", "__proto__", "a\0b", "\n", "x".repeat(10_000)]) {
    const [a, b] = [await open(create({ prefix }), "a"), await open(create({ prefix }), "b")];
    await b.adapter.subscribe("news");
    a.adapter.publish("news", "hello");
    await waitFor(() => b.got.length === 1);
    for (const { adapter } of [a, b]) await adapter.close();
  }
  for (const prefix of ["", "\ud800", undefined as unknown as string]) {
    assertThrows(
      () => create({ prefix }),
      TypeError,
      "prefix of createBroadcastChannelAdapter: give well-formed text that is not empty",
    );
  }
  assertThrows(() => create({ maxPendingBytes: 0 }), RangeError, "Cannot use 0 as maxPendingBytes");
});
