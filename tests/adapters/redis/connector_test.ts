import { assertEquals, assertThrows } from "@std/assert";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { createRedisAdapter } from "../../../adapters/redis/mod.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode, type NodeOptions, openConsole, openNode } from "./scene.ts";

const TIMEOUT = { timeoutMs: 120_000 };
const CONNECTORS = ["ioredis", "node-redis"] as const;

for (const connector of CONNECTORS) {
  test(`redis: with a URL the user chooses the library: ${connector}`, async () => {
    await using broker = await startRedis({ args: ["--requirepass", "s3cret"] });
    const url = `redis://:s3cret@127.0.0.1:${broker.port}`;
    await using console = await openConsole(url);
    await using a = await openNode({ url, connector }, "news");
    await using b = await openNode({ url, connector });
    b.adapter.publish("news", "hello");
    b.adapter.publish("news", new Uint8Array([0, 255]));
    await waitFor(() => a.received.length === 2);
    assertEquals(a.on("news"), ["hello", new Uint8Array([0, 255])]);
    assertEquals((await console.connections()).length, 4);
    await broker.kill();
    await a.is("down");
    await broker.start();
    await Promise.all([a.is("up"), b.is("up")]);
    b.adapter.publish("news", "again");
    await waitFor(() => a.on("news").includes("again"));
  }, TIMEOUT);

  test(
    `redis: a server with too many clients is reported as such, and used when there is room [${connector}]`,
    async () => {
      await using broker = await startRedis({ args: ["--maxclients", "1"] });
      await using console = await openConsole(broker.url);
      await using a = createNode({ url: broker.url, connector });
      // A busy machine may see the connection reset before the words, and hear them at a later attempt.
      const words =
        `open: Cannot connect to Redis at 127.0.0.1:${broker.port}: ERR max number of clients reached`;
      await waitFor(() => a.errors.some(({ error, stage }) => `${stage}: ${error.message}` === words), {
        what: "the server's own words",
      });
      await console.redis.config("SET", "maxclients", "100");
      await a.opening;
    },
    TIMEOUT,
  );
}

test(
  "redis: a client that the user ends still gives its options: the adapter has its own connections",
  async () => {
    await using broker = await startRedis();
    // Each is made when its turn comes: one that lives through the restart has timers of its own.
    const clients: (() => Promise<[NodeOptions, () => Promise<unknown>]>)[] = [
      () => {
        const client = new Redis(broker.url);
        // It says that it has quit before its socket is gone.
        const gone = new Promise((resolve) => client.once("end", resolve));
        return Promise.resolve([{ client }, () => Promise.all([gone, client.quit()])]);
      },
      async () => {
        const client = createClient({ url: broker.url });
        client.on("error", () => {});
        await client.connect();
        return [{ client }, () => client.close()];
      },
    ];
    for (const make of clients) {
      const [options, end] = await make();
      await using a = await openNode(options, "news");
      await end();
      await broker.kill();
      await a.is("down");
      await broker.start();
      await a.is("up");
      await using b = await openNode(broker.url);
      b.adapter.publish("news", "hello");
      await waitFor(() => a.on("news").length === 1);
    }
  },
  TIMEOUT,
);

test("redis: a connector that does not fit is refused", () => {
  const client = new Redis({ lazyConnect: true });
  const refuses = (options: NodeOptions, words: string) =>
    assertThrows(() => createRedisAdapter({ prefix: "p", ...options }), TypeError, words);
  refuses({ connector: "other" as never }, 'give "ioredis" or "node-redis"');
  refuses({ client, connector: "node-redis" }, "pass a client of redis that speaks");
  refuses(
    { connector: "node-redis", sentinels: [{ host: "a", port: 1 }], name: "m" },
    'with the connector "node-redis"',
  );
});
