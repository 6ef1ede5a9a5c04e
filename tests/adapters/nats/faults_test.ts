import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNats, startNatsCluster } from "../../../tools/brokers/nats.ts";
import { freePort } from "../../../tools/brokers/ports.ts";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import { runtime, test, waitFor } from "../../harness.ts";
import { createNode, openNode, startOther } from "./scene.ts";
import type { TestNode } from "../test_node.ts";

const PREFIX = "faults";

/** Texts that came twice. */
function repeated({ received }: TestNode): string[] {
  const all = received.map(({ channel, data, from }) => `${channel} ${data} of ${from}`);
  return all.filter((text, i) => all.indexOf(text) !== i);
}

/** Publishes until the others have heard it: just after a failover a server may not know yet of all others'. */
async function reaches(from: TestNode, channel: string, word: string, ...to: TestNode[]): Promise<void> {
  let i = 0;
  await waitFor(() => {
    from.adapter.publish(channel, `${word} ${i++}`);
    return to.every((node) => node.on(channel).some((text) => String(text).startsWith(word)));
  }, { what: `"${word}" to arrive`, timeoutMs: 20_000 });
}

test("nats: if one of three servers is killed its nodes move, subscriptions go on, and no message comes twice", async () => {
  await using cluster = await startNatsCluster(3);
  const [one, two, three] = cluster.servers;
  const servers = [one!.url, two!.url, three!.url];
  await using a = await openNode({ servers: one!.url, prefix: PREFIX, probeIntervalMs: 2_000 }, "news");
  await using b = await openNode({ servers: two!.url, prefix: PREFIX }, "news");
  await using c = await openNode({ servers, prefix: PREFIX }, "news");
  await reaches(a, "news", "before", b, c);
  await reaches(b, "news", "back", a, c);
  await one!.kill();
  await a.is("down");
  // It was told of one server only, and knows the others from that one.
  await a.is("up");
  await reaches(a, "news", "after", b, c);
  await reaches(b, "news", "again", a, c);
  await reaches(c, "news", "too", a, b);
  assertEquals([a, b, c].flatMap(repeated), []);
});

test("nats: after a restart of a whole cluster a node is up only when its server has links to the others", async () => {
  await using cluster = await startNatsCluster(2);
  const [one, two] = cluster.servers;
  await using a = await openNode({ servers: one!.url, prefix: PREFIX }, "news");
  await using b = await openNode({ servers: two!.url, prefix: PREFIX }, "news");
  const nodes = [a, b];
  for (const word of ["once", "twice", "three times"]) {
    await Promise.all(cluster.servers.map((server) => server.kill()));
    await Promise.all(nodes.map((node) => node.is("down")));
    await Promise.all(cluster.servers.map((server) => server.start()));
    await Promise.all(nodes.map((node) => node.is("up")));
    for (const node of nodes) node.adapter.publish("news", word);
    for (const node of nodes) await node.got("news", word);
  }
});

test("nats: a subscribe is live on every server of a cluster when it resolves", async () => {
  await using cluster = await startNatsCluster(3);
  const open = (i: number) => openNode({ servers: cluster.servers[i]!.url, prefix: PREFIX }, "fence");
  await using a = await open(0);
  await using b = await open(1);
  await using c = await open(2);
  for (let i = 0; i < 300; i++) {
    await b.adapter.subscribe(`channel ${i}`);
    for (const node of [a, c]) {
      node.adapter.publish(`channel ${i}`, node.nodeId);
      node.adapter.publish("fence", `${i}`);
    }
    await waitFor(() => b.on("fence").filter((text) => text === `${i}`).length === 2, {
      what: "both fences",
    });
    assertEquals(b.on(`channel ${i}`).toSorted(), [a.nodeId, c.nodeId].toSorted());
    await b.adapter.unsubscribe(`channel ${i}`);
  }
});

test("nats: a node that comes to a server of its own is reached, and reaches, at once", async () => {
  await using cluster = await startNatsCluster(3);
  const url = (i: number) => cluster.servers[i]!.url;
  await using a = await openNode({ servers: url(0), prefix: PREFIX });
  for (let i = 0; i < 20; i++) {
    // While the other joins, so that either sees the other come.
    const subscribing = a.adapter.subscribe(`channel ${i}`);
    await using b = await openNode({ servers: url(1 + i % 2), prefix: PREFIX });
    await subscribing;
    b.adapter.publish(`channel ${i}`, "hello");
    await a.got(`channel ${i}`, "hello");
  }
});

test("nats: a missing server of a cluster delays a subscribe only briefly, and only once", async () => {
  await using cluster = await startNatsCluster(2);
  const [one, two] = cluster.servers;
  await using a = await openNode({ servers: one!.url, prefix: PREFIX });
  const b = await openNode({ servers: two!.url, prefix: PREFIX });
  await b.adapter.close();
  await a.adapter.subscribe("first");
  await using c = await openNode({ servers: one!.url, prefix: PREFIX });
  const before = performance.now();
  for (let i = 0; i < 20; i++) await a.adapter.subscribe(`channel ${i}`);
  // One of them may have waited for the server whose last node has left, not each.
  assert(performance.now() - before < 15_000);
  c.adapter.publish("first", "hello");
  await a.got("first", "hello");
});

test("nats: a frozen server is noticed by probe, and all is live again when it thaws", async () => {
  await using server = await startNats();
  const options = { servers: server.url, prefix: PREFIX, probeIntervalMs: 1_000, connectTimeoutMs: 1_000 };
  await using a = await openNode(options, "news");
  await using b = await openNode(options, "news");
  server.pause();
  await Promise.all([a.is("down"), b.is("down")]);
  a.adapter.publish("news", "lost");
  await waitFor(() => a.errors.some(({ stage }) => stage === "publish"), { what: "a report" });
  server.resume();
  await Promise.all([a.is("up"), b.is("up")]);
  a.adapter.publish("news", "after");
  await b.got("news", "after");
  assertEquals(b.on("news"), ["after"]);
});

test("nats: 1,000 channels are live again after a restart, by the time it says up", async () => {
  await using server = await startNats();
  const channels = Array.from({ length: 1_000 }, (_, i) => `channel ${i}`);
  await using a = await openNode({ servers: server.url, prefix: PREFIX }, ...channels);
  await using b = await openNode({ servers: server.url, prefix: PREFIX }, "end");
  await server.kill();
  await Promise.all([a.is("down"), b.is("down")]);
  await server.start();
  await Promise.all([a.is("up"), b.is("up")]);
  for (const channel of channels) b.adapter.publish(channel, "hello");
  await waitFor(() => a.received.length === 1_000, { what: "1,000 messages", timeoutMs: 20_000 });
  assertEquals(a.received.map(({ channel }) => channel), channels);
  assertEquals(a.statuses, ["up", "down", "up"]);
});

test("nats: publishes while the server is away are dropped and counted, not kept for later", async () => {
  await using server = await startNats();
  await using a = await openNode({ servers: server.url, prefix: PREFIX });
  await using b = await openNode({ servers: server.url, prefix: PREFIX }, "news");
  await server.kill();
  await Promise.all([a.is("down"), b.is("down")]);
  for (let i = 0; i < 10_000; i++) a.adapter.publish("news", `lost ${i}`);
  const losses = () => a.errors.filter(({ stage }) => stage === "publish").map(({ error }) => error.message);
  await waitFor(() => losses().length === 2, { what: "the count" });
  assert(losses()[0]!.startsWith("Cannot publish a message to NATS at 127.0.0.1:"), losses()[0]);
  assert(losses()[1]!.startsWith("Cannot publish 9999 messages to NATS at "), losses()[1]);
  await server.start();
  await Promise.all([a.is("up"), b.is("up")]);
  a.adapter.publish("news", "after");
  await b.got("news", "after");
  assertEquals(b.on("news"), ["after"]);
});

test("nats: an outage is reported once, with its cause", async () => {
  await using server = await startNats();
  await using a = await openNode({ servers: server.url, prefix: PREFIX });
  for (const round of [1, 2]) {
    await server.kill();
    await a.is("down");
    await server.start();
    await a.is("up");
    assertEquals(a.errors.length, round);
  }
  for (const { error, stage } of a.errors) {
    assertEquals(stage, "delivery");
    const start = `The connection to NATS at 127.0.0.1:${server.port} is lost: `;
    assert(error.message.startsWith(start), error.message);
  }
});

for (
  const [where, start] of Object.entries({
    "where nobody listens": () =>
      startOther("").then(async (server) => {
        await server[Symbol.asyncDispose]();
        return server;
      }),
    "that accepts and says nothing": () => startOther(""),
    "that says half a greeting": () => startOther('INFO {"server_id":'),
  })
) {
  test(`nats: a server ${where} is tried until close, reported once, and close waits for nothing`, async () => {
    await using server = await start();
    await using node = createNode({
      servers: `127.0.0.1:${server.port}`,
      prefix: PREFIX,
      connectTimeoutMs: 200,
    });
    await waitFor(() => node.errors.length > 0, { what: "a report" });
    const subscribing = assertRejects(() => node.adapter.subscribe("news"), Error, "closed meanwhile");
    node.adapter.publish("news", "too early");
    await waitFor(() => node.errors.length === 2, { what: "a report of the publish" });
    assertEquals(node.errors.map(({ stage }) => stage), ["open", "publish"]);
    await node.adapter.close();
    await assertRejects(() => node.opening, Error, "closed meanwhile");
    await subscribing;
    assertEquals(node.statuses, []);
  });
}

test("nats: a server that accepts a node and closes it, again and again, is not flooded with attempts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-nats-"));
  const monitor = await freePort();
  await writeFile(join(folder, "nats.conf"), `max_control_line: 512, http: "127.0.0.1:${monitor}"`);
  await using server = await startNats({ args: ["--config", join(folder, "nats.conf")] });
  await rm(folder, { recursive: true });
  // The first subscription is longer than the server allows.
  await using node = createNode({ servers: server.url, prefix: "x".repeat(600) });
  const connections = async () => {
    const varz = await fetch(`http://127.0.0.1:${monitor}/varz`);
    return (await varz.json() as { total_connections: number }).total_connections;
  };
  await waitFor(() => node.errors.length > 0, { what: "a report" });
  await waitFor(async () => await connections() >= 4, { what: "a second try" });
  const [before, at] = [await connections(), performance.now()];
  await waitFor(async () => await connections() >= before + 8, {
    what: "four more tries",
    timeoutMs: 20_000,
  });
  // The pauses grow; each try is two connections.
  assert(performance.now() - at > 500);
  assertEquals(node.errors.length, 1);
});

test("nats: close does not wait for a frozen server, with messages under way", async () => {
  await using server = await startNats();
  await using node = await openNode({ servers: server.url, prefix: PREFIX }, "news");
  server.pause();
  for (let i = 0; i < 100; i++) node.adapter.publish("news", new Uint8Array(100_000));
  await node.adapter.close();
  server.resume();
});

test("nats: close while connecting, verifying and reconnecting leaves no connection behind", async () => {
  await using server = await startNats();
  await using proxy = await startProxy(server.port);
  const options = { servers: `127.0.0.1:${proxy.port}`, prefix: PREFIX };
  for (let turns = 0; turns < 40; turns++) {
    await using node = createNode(options);
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve, 0));
    await node.adapter.close();
  }
  await using node = await openNode(options, "news");
  proxy.blackhole();
  proxy.cut();
  await node.is("down");
  await node.adapter.close();
  proxy.heal();
  await waitFor(() => proxy.connections === 0, { what: "all connections to be closed" });
});

test("nats: a process that ends with a frozen server is not held by it", async () => {
  // A socket that stays open would hold it: Deno's sanitizers see this, Bun has none.
  if (runtime === "bun") return;
  await using server = await startNats();
  server.pause();
  await using node = createNode({ servers: server.url, prefix: PREFIX, connectTimeoutMs: 200 });
  await waitFor(() => node.errors.length > 0, { what: "a report" });
  await node.adapter.close();
  server.resume();
});
