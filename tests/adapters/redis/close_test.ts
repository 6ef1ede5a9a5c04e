import { assertEquals, assertRejects } from "@std/assert";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { createRedisAdapter } from "../../../adapters/redis/mod.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode, type NodeOptions, openConsole, openNode } from "./scene.ts";

const TIMEOUT = { timeoutMs: 120_000 };

/** How a test may connect. */
const WAYS: Readonly<Record<string, (port: number) => NodeOptions>> = {
  "a URL": (port) => ({ url: `redis://127.0.0.1:${port}` }),
  "an ioredis client": (port) => ({
    client: new Redis(port, "127.0.0.1", { lazyConnect: true, connectionName: "trunkline" }),
  }),
  "a node-redis client": (port) => ({
    client: createClient({ url: `redis://127.0.0.1:${port}`, name: "trunkline" }),
  }),
};

for (const [way, options] of Object.entries(WAYS)) {
  test(`redis: close leaves no connection, in every state [${way}]`, async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    const none = async () =>
      await waitFor(async () => (await console.connections()).length === 0, { what: "no connection" });

    // At every moment of opening and subscribing, a turn later each time.
    for (let turns = 0; turns < 40; turns++) {
      const node = createNode(options(broker.port));
      const subscribing = node.adapter.subscribe("news").then(() => "live", () => "refused");
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve, 0));
      await node.adapter.close();
      await node.opening.catch(() => {});
      await subscribing;
      await none();
    }
    await using open = await openNode(options(broker.port), "news");
    assertEquals((await console.connections()).length, 2);
    await open.adapter.close();
    await none();

    // While it pauses between attempts.
    await using waiting = await openNode(options(broker.port), "news");
    await broker.kill();
    await waiting.is("down");
    await waiting.adapter.close();

    // While it was never there.
    await using never = createNode(options(broker.port));
    await waitFor(() => never.errors.length > 0, { what: "a failed attempt" });
    await never.adapter.close();
    await assertRejects(() => never.opening, Error, "it was closed meanwhile");
  }, TIMEOUT);
}

test(
  "redis: close does not wait for a silent server, and leaves no connection when the server is back",
  async () => {
    await using broker = await startRedis();
    await using proxy = await startProxy(broker.port);
    const url = `redis://127.0.0.1:${proxy.port}`;
    await using open = await openNode(url, "news");
    proxy.blackhole();
    open.adapter.publish("news", "lost");
    const subscribing = assertRejects(() => open.adapter.subscribe("late"), Error, "closed meanwhile");
    const opening = createNode(url);
    await waitFor(() => proxy.connections === 4, { what: "the connections that hang" });
    await Promise.all([open.adapter.close(), opening.adapter.close(), subscribing]);
    const reported = open.errors.filter(({ stage }) => stage === "publish");
    assertEquals(reported.map(({ error }) => error.message.split(": ")[1]), ["Redis has not confirmed it"]);
    proxy.heal();
    await using console = await openConsole(broker.url);
    await waitFor(async () => (await console.connections()).length === 0, { what: "no connection" });
  },
  TIMEOUT,
);

test("redis: messages from before close are on their way, and counted losses are reported", async () => {
  await using broker = await startRedis();
  await using b = await openNode(broker.url, "news");
  const a = await openNode(broker.url);
  for (let i = 0; i < 1_000; i++) a.adapter.publish("news", `${i}`);
  await a.adapter.close();
  await waitFor(() => b.received.length === 1_000);

  const late = await openNode(broker.url);
  await broker.kill();
  await waitFor(() =>
    late.errors.some(({ error }) => error.message.startsWith("The publisher's connection"))
  );
  for (let i = 0; i < 5; i++) late.adapter.publish("news", `${i}`);
  await late.adapter.close();
  const reports = late.errors.filter(({ error }) => error.message.includes("the connection is down"));
  assertEquals(reports.map(({ error }) => error.message.split(" to ")[0]), [
    "Cannot publish a message",
    "Cannot publish 4 messages",
  ]);
}, TIMEOUT);

test("redis: a closed adapter refuses, and one that is not open does too", async () => {
  const adapter = createRedisAdapter({ url: "redis://127.0.0.1:1", prefix: "p" });
  await assertRejects(() => adapter.subscribe("news"), Error, "the Redis adapter is not open");
  adapter.publish("news", "nobody hears it");
  await adapter.close();
  await assertRejects(() => adapter.subscribe("news"), Error, "the Redis adapter is not open");
});
