import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import cluster from "node:cluster";
import type { Adapter } from "../../../adapters/adapter.ts";
import {
  createNodeClusterAdapter,
  type IpcChannel,
  type NodeClusterAdapterOptions,
  relayNodeCluster,
} from "../../../adapters/node_cluster/mod.ts";
import { test, waitFor } from "../../harness.ts";
import { startRelayProcess } from "../../../tools/brokers/node_cluster.ts";

interface Opened {
  readonly adapter: Adapter;
  readonly errors: string[];
  readonly statuses: string[];
  readonly heard: string[];
  readonly opening: Promise<void>;
}

function open(nodeId: string, options: Partial<NodeClusterAdapterOptions>): Opened {
  const adapter = createNodeClusterAdapter({ prefix: "test", ...options });
  const [errors, statuses, heard]: string[][] = [[], [], []];
  const opening = adapter.open({
    nodeId,
    deliver: (channel, data, from) => void heard.push(`${channel} ${data} ${from}`),
    onError: ({ message }) => void errors.push(message),
    onStatus: (status) => void statuses.push(status),
    onGap: () => {},
  });
  return { adapter, errors, statuses, heard, opening };
}

test("node-cluster: outside a worker there is one clear error", () => {
  const error = assertThrows(() => createNodeClusterAdapter({ prefix: "test" }), TypeError);
  assert(
    error.message.includes("not a worker of node:cluster") && error.message.includes("relayNodeCluster()"),
  );
});

test("node-cluster: options are checked", () => {
  const channel: IpcChannel = { connected: true, send() {}, on() {}, off() {} };
  const bad = (options: unknown) =>
    assertThrows(() => createNodeClusterAdapter(options as never), Error).message;
  assert(bad({ channel }).includes("prefix"));
  assert(bad({ channel, prefix: "" }).includes("prefix"));
  assert(bad({ channel: {}, prefix: "x" }).includes("channel"));
  assert(bad({ channel, prefix: "x", maxPendingBytes: 0 }).includes("maxPendingBytes"));
  assert(bad({ channel, prefix: "x", chanel: 1 }).includes("chanel"));
  assert(bad("prefix").includes("createNodeClusterAdapter"));
  assertThrows(() => relayNodeCluster({ maxPendingBytes: -1 }), RangeError, "maxPendingBytes");
});

test("node-cluster: a process has one relay, until that is closed", () => {
  const before = cluster.listenerCount("fork");
  const relay = relayNodeCluster();
  assertThrows(() => relayNodeCluster(), TypeError, "Cannot relay twice");
  relay.close();
  relay.close();
  assertThrows(() => relay.add({ connected: true, send() {}, on() {}, off() {} }), TypeError, "closed");
  relayNodeCluster().close();
  assertEquals(cluster.listenerCount("fork"), before);
});

test("node-cluster: without a relay, open says what to call, and goes on waiting", async () => {
  await using relay = await startRelayProcess();
  await relay.stop();
  const { adapter, errors, opening, statuses } = open("a", {
    channel: relay.child as IpcChannel,
    connectTimeoutMs: 100,
  });
  await waitFor(() => errors.length > 0, { what: "the error" });
  assertEquals(errors, [
    `Cannot connect to node-cluster at process ${relay.child.pid}: no relay answers: call relayNodeCluster() there, ` +
    "from the same version of this package",
  ]);
  await relay.start();
  await opening;
  assertEquals([statuses, errors.length], [["up"], 1]);
  await adapter.close();
});

test("node-cluster: when the process with the relay is gone all waits end, and this is reported", async () => {
  await using relay = await startRelayProcess();
  const { adapter, errors, opening, statuses } = open("a", { channel: relay.child as IpcChannel });
  await opening;
  await relay.kill();
  await waitFor(() => statuses.at(-1) === "down", { what: "status down" });
  await waitFor(() => errors.some((text) => text.includes("cannot be opened again")), { what: "the error" });
  await assertRejects(() => adapter.subscribe("late"), Error, "cannot be opened again");
  adapter.publish("news", "lost");
  await waitFor(() => errors.some((text) => text.includes("Cannot publish a message")), { what: "the loss" });
  await adapter.close();
  const late = open("b", { channel: relay.child as IpcChannel });
  await assertRejects(() => late.opening, Error, "cannot be opened again");
});

test("node-cluster: while the process with the relay is frozen, no more messages wait than the limit", async () => {
  await using relay = await startRelayProcess();
  const channel = relay.child as IpcChannel;
  const a = open("a", { channel, maxPendingBytes: 1_000_000, probeIntervalMs: 60_000 });
  const b = open("b", { channel });
  await Promise.all([a.opening, b.opening]);
  await b.adapter.subscribe("news");
  relay.freeze();
  for (let i = 0; i < 30; i++) {
    a.adapter.publish("news", `${i}`.padEnd(100_000));
    await Promise.resolve(); // the end of the turn
  }
  await waitFor(() => a.errors.length > 0, { what: "the report" });
  assert(a.errors[0]!.includes("maxPendingBytes"), a.errors[0]);
  relay.thaw();
  await waitFor(() => b.heard.length >= 10, { what: "what had room" });
  await waitFor(() => {
    a.adapter.publish("news", "after");
    return b.heard.at(-1)!.includes("after");
  }, { what: "room for more" });
  const kept = b.heard.filter((text) => !text.includes("after")).map((text) => Number(text.split(" ")[1]));
  assertEquals(kept, kept.map((_, i) => i)); // the first ones, in order
  assert(kept.length <= 12, `${kept.length} were kept`);
  await Promise.all([a.adapter.close(), b.adapter.close()]);
});

test("node-cluster: a node that does not read loses its session; the relay keeps no more than its bound", async () => {
  // The pipe is shared here: the reader is slow because it hears nothing of its own acknowledgements.
  await using relay = await startRelayProcess({ MAX_PENDING_BYTES: "100000" });
  const { child } = relay;
  const mute: IpcChannel = {
    get connected() {
      return child.connected;
    },
    send: (message, callback) =>
      (message as unknown[])[2] === "took" ? true : child.send(message as object, callback),
    on: (event, listener) => child.on(event, listener),
    off: (event, listener) => child.off(event, listener),
  };
  const a = open("a", { channel: child as IpcChannel });
  const b = open("b", { channel: mute });
  await Promise.all([a.opening, b.opening]);
  await b.adapter.subscribe("news");
  for (let i = 0; i < 40; i++) a.adapter.publish("news", `${i}`.padEnd(10_000));
  await waitFor(() => b.errors.length > 0, { what: "the end of its session" });
  assert(b.errors[0]!.includes("does not read"), b.errors[0]);
  await waitFor(() => b.statuses.join() === "up,down,up", { what: "another session" });
  a.adapter.publish("news", "after");
  await waitFor(() => b.heard.at(-1) === "news after a", { what: "what came after" });
  assertEquals(a.errors, []);
  await Promise.all([a.adapter.close(), b.adapter.close()]);
});

test("node-cluster: messages that are not a node's frames are reported once, and do no harm", async () => {
  await using relay = await startRelayProcess();
  const channel = relay.child as IpcChannel;
  const a = open("a", { channel });
  await a.opening;
  const frames = [
    [],
    ["s"],
    ["s", "hello"],
    ["s", "sub", -1, []],
    ["s", "pub", ["x"], 0],
    ["s", "took", "1"],
    [
      "s",
      "__proto__",
    ],
    [1, "bye"],
  ];
  for (const frame of frames) relay.child.send(["trunkline.ipc.1", ...frame]);
  await a.adapter.subscribe("news");
  await waitFor(() => relay.reports.length > 0, { what: "the report" });
  assert(relay.reports[0]!.startsWith("Ignored a message"), relay.reports[0]);
  assertEquals(relay.reports.length, 1);
  await a.adapter.close();
});

test("node-cluster: many adapters over one pipe do not look like a leak, and give the pipe back as it was", async () => {
  await using relay = await startRelayProcess();
  const pipe = relay.child;
  const before = [pipe.getMaxListeners(), pipe.listenerCount("message"), pipe.listenerCount("disconnect")];
  const all = Array.from({ length: 20 }, (_, i) => open(`${i}`, { channel: pipe as IpcChannel }));
  await Promise.all(all.map(({ opening }) => opening));
  for (const event of ["message", "disconnect"]) {
    // Beyond it the runtime warns of a leak.
    assert(pipe.listenerCount(event) <= pipe.getMaxListeners(), `${pipe.listenerCount(event)} of ${event}`);
  }
  await Promise.all(all.map(({ adapter }) => adapter.close()));
  const after = [pipe.getMaxListeners(), pipe.listenerCount("message"), pipe.listenerCount("disconnect")];
  assertEquals(after, before);
});

test("node-cluster: the other end notices a process that ends with unread data", async () => {
  await using relay = await startRelayProcess();
  const a = open("a", { channel: relay.child as IpcChannel, probeIntervalMs: 200 });
  await a.opening;
  relay.freeze();
  // On Deno nothing but what is sent fails then.
  for (let i = 0; i < 20; i++) a.adapter.publish("news", "x".repeat(1_000));
  await waitFor(() => relay.child.connected, { what: "the pipe" });
  await relay.kill();
  await waitFor(() => a.errors.some((text) => text.includes("cannot be opened again")), {
    what: "the error",
    timeoutMs: 10_000,
  });
  await assertRejects(() => a.adapter.subscribe("late"), Error, "cannot be opened again");
  await a.adapter.close();
});
