import { assert, assertEquals, assertRejects } from "@std/assert";
import { createNatsAdapter } from "../../../adapters/nats/mod.ts";
import { startNats } from "../../../tools/brokers/nats.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode } from "../../hub/chat.ts";
import { network } from "../../hub/wires.ts";
import { rewindsOnTwoHubs } from "../rewinding.ts";
import { startJetStream } from "./history_scene.ts";

test("history in NATS JetStream: a client that has left one hub recovers on another, without a gap", async () => {
  await using server = await startJetStream();
  const options = () => ({
    adapter: createNatsAdapter({ servers: server.url, prefix: "chat", history: true }),
  });
  await using a = await createNode(undefined, options());
  await using b = await createNode(undefined, options());
  const lines = { "ws://a/": a.loopback.client(), "ws://b/": b.loopback.client() };
  lines["ws://b/"].refuse(true);
  const client = await a.member(undefined, { url: Object.keys(lines), transport: network(lines) });
  const [heard, recovered]: [number[], boolean[]] = [[], []];
  await client.subscribe("log/x", ({ n }) => void heard.push(n), {
    onRecovery: (recovery) => void recovered.push(recovery.recovered),
  }).ready;
  assertEquals(client.nodeId, a.hub.nodeId);
  for (let n = 1; n <= 5; n++) await b.hub.publish("log/x", { n });
  await waitFor(() => heard.length === 5, { what: "what the other hub has published" });
  lines["ws://a/"].refuse(true);
  lines["ws://a/"].sever();
  await waitFor(() => client.status === "reconnecting", { what: "the client to notice" });
  for (let n = 6; n <= 10; n++) await (n % 2 ? a : b).hub.publish("log/x", { n });
  lines["ws://b/"].refuse(false);
  await waitFor(() => recovered.length === 1, { what: "the recovery" });
  assertEquals(client.nodeId, b.hub.nodeId);
  for (let n = 11; n <= 15; n++) await a.hub.publish("log/x", { n });
  await waitFor(() => heard.length === 15, { what: "everything" });
  assertEquals([heard, recovered], [Array.from({ length: 15 }, (_, i) => i + 1), [true]]);
  assertEquals(await a.hub.position("log/x"), await b.hub.position("log/x"));
  assertEquals([a.errors, b.errors], [[], []]);
});

test("history in NATS JetStream: a hub says when it is ready that the server has no JetStream, and what to do", async () => {
  await using server = await startNats();
  const adapter = createNatsAdapter({ servers: server.url, prefix: "chat", history: true });
  const error = await assertRejects(() => createNode(undefined, { adapter }), Error, "jetstream {}");
  assert(error.message.includes('history: "per-node"'), error.message);
  await adapter.close();
});

test("nats: without `history` an adapter keeps none, and asks nothing of a server without JetStream", async () => {
  await using server = await startNats();
  const adapter = createNatsAdapter({ servers: server.url, prefix: "chat" });
  assertEquals(adapter.history, undefined);
  await using node = await createNode(undefined, { adapter });
  await node.hub.publish("log/x", { n: 1 });
  assertEquals((await node.hub.history("log/x")).records.length, 1);
});

test(
  "history in NATS JetStream: a subscription begins in the past, by number and by time, on another hub",
  async () => {
    await using server = await startJetStream();
    await rewindsOnTwoHubs(() => ({
      adapter: createNatsAdapter({ servers: server.url, prefix: "chat", history: true }),
    }));
  },
  { timeoutMs: 60_000 },
);
