import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type HubError, type Published, systemClock } from "@trunkline/hub";
import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { Redis } from "ioredis";
import { onFreePort } from "../../../tools/brokers/ports.ts";
import { type Broker, findServer, Program, toBroker } from "../../../tools/brokers/program.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode as createHubNode, type Node as HubNode } from "../../hub/chat.ts";
import { createNode, type NodeOptions, openConsole, openNode } from "./scene.ts";

const TIMEOUT = { timeoutMs: 120_000 };
const PROBES = { probeIntervalMs: 500, probeTimeoutMs: 2_000, connectTimeoutMs: 3_000 };

interface Guarded extends AsyncDisposable {
  readonly master: Broker;
  readonly replica: Broker;
  readonly sentinel: Broker;
}

/** A master, a replica and one sentinel that decides alone, which asks for a password of its own. */
async function startGuarded(): Promise<Guarded> {
  const program = findServer("redis-server", "REDIS_SERVER")!;
  const folder = await mkdtemp(join(tmpdir(), "trunkline-sentinel-"));
  const master = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
  const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
  const sentinel = await onFreePort(async (port) => {
    const config = join(folder, "sentinel.conf");
    const lines = [
      `port ${port}`,
      "bind 127.0.0.1",
      "requirepass guard-s3cret",
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      "sentinel down-after-milliseconds main 1000",
      "sentinel failover-timeout main 10000",
    ];
    await writeFile(config, lines.join("\n"));
    const options = { program, args: [config, "--sentinel"], ready: /Sentinel ID is|\+monitor master/ };
    return toBroker(await Program.start(options), "redis", port);
  });
  return {
    master,
    replica,
    sentinel,
    async [Symbol.asyncDispose]() {
      for (const server of [sentinel, replica, master]) await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

const through = ({ sentinel: { host, port } }: Guarded): NodeOptions => ({
  sentinels: [{ host, port }],
  name: "main",
  sentinelPassword: "guard-s3cret",
  ...PROBES,
});

/** Waits until the sentinel knows a replica that is fit to take over. */
async function ready({ sentinel, replica }: Guarded): Promise<Redis> {
  const { redis } = await openConsole(`redis://:guard-s3cret@127.0.0.1:${sentinel.port}`);
  // It asks every 10 s, and takes 8 s to demote a master; before Redis 7 that cannot be changed.
  await redis.call("SENTINEL", "DEBUG", "info-period", "200", "publish-period", "200").catch(() => {});
  await waitFor(async () => {
    const replicas = await redis.call("SENTINEL", "REPLICAS", "main") as string[][];
    return replicas.some((fields) =>
      fields.includes(String(replica.port)) && fields[fields.indexOf("master-link-status") + 1] === "ok"
    );
  }, { what: "the sentinel to know the replica", timeoutMs: 40_000 });
  return redis;
}

const end = (redis: Redis) =>
  new Promise((resolve) => {
    redis.once("end", resolve);
    redis.disconnect();
  });

/** A hub whose histories are behind the sentinels. */
const hubOn = (servers: Guarded) =>
  createHubNode(undefined, {
    adapter: createRedisAdapter({ ...through(servers), prefix: "hubs" }),
    clock: systemClock,
    backplaneTimeoutMs: 2_000,
  });

/** Publishes until it is kept. */
async function kept({ hub }: HubNode, n: number): Promise<Published> {
  return await waitFor(async () => {
    try {
      return await hub.publish("log/x", { n }, { id: `${n}` });
    } catch (error) {
      assert(["UNAVAILABLE", "UNCERTAIN"].includes((error as HubError).code), String(error));
      return undefined;
    }
  }, { what: `${n} to be kept`, timeoutMs: 40_000 });
}

/** A client that follows the topic, and its link. */
async function follow(node: HubNode) {
  const line = node.loopback.client();
  const client = await node.member(undefined, { transport: line });
  const [heard, recoveries]: [number[], boolean[]] = [[], []];
  const sub = client.subscribe("log/x", ({ n }) => void heard.push(n), {
    onRecovery: ({ recovered }) => void recoveries.push(recovered),
  });
  await sub.ready;
  return { client, line, heard, recoveries };
}

for (const how of ["is asked to hand over", "is killed"]) {
  test(
    `redis by sentinels: when the master ${how}, nodes follow to the new one, and histories claim no messages that it may lack`,
    async () => {
      await using servers = await startGuarded();
      const sentinel = await ready(servers);
      await using a = await openNode(through(servers), "news");
      const client = new Redis({
        sentinels: [{ host: "127.0.0.1", port: servers.sentinel.port }],
        name: "main",
        sentinelPassword: "guard-s3cret",
        lazyConnect: true,
        connectionName: "trunkline",
      });
      await using b = await openNode({ client, ...PROBES });
      b.adapter.publish("news", "before");
      await waitFor(() => a.on("news").length === 1);
      await using c = await hubOn(servers);
      await using d = await hubOn(servers);
      const [stays, away] = [await follow(d), await follow(c)];
      let before!: Published;
      for (let n = 1; n <= 3; n++) before = await kept(c, n);
      await waitFor(() => stays.heard.length + away.heard.length === 6, { what: "the messages" });
      away.line.refuse(true);
      away.line.sever();
      if (how === "is killed") await servers.master.kill();
      else await sentinel.call("SENTINEL", "FAILOVER", "main");
      await waitFor(() => a.statuses.includes("down") && b.statuses.includes("down"), { timeoutMs: 40_000 });
      await waitFor(async () => {
        const [, port] = await sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main") as string[];
        return port === String(servers.replica.port);
      }, { what: "the new master", timeoutMs: 60_000 });
      await Promise.all([a.is("up", { timeoutMs: 40_000 }), b.is("up", { timeoutMs: 40_000 })]);
      // They may have come back to the old master before it knew; the sentinel ends those connections.
      await waitFor(async () => {
        await using console = await openConsole(servers.replica.url);
        return (await console.connections()).length === 8;
      }, { what: "both nodes at the new master", timeoutMs: 40_000 });
      await Promise.all([a.is("up"), b.is("up")]);
      b.adapter.publish("news", "after");
      await waitFor(() => a.on("news").includes("after"));
      assertEquals(a.on("news"), ["before", "after"]);
      const after = await kept(c, 4);
      assertEquals([after.epoch === before.epoch, await d.hub.position("log/x")], [false, after]);
      await waitFor(() => stays.heard.includes(4), { what: "what is live", timeoutMs: 20_000 });
      assertEquals([stays.heard, stays.recoveries], [[1, 2, 3, 4], [false]]);
      assertEquals((await d.hub.history("log/x", { since: before })).complete, false);
      away.line.refuse(false);
      await waitFor(() => away.recoveries.length === 1, { what: "the recovery" });
      await kept(d, 5);
      await waitFor(() => away.heard.includes(5), { what: "what is live again" });
      assertEquals([away.heard, away.recoveries], [[1, 2, 3, 5], [false]]);
      await end(sentinel);
    },
    TIMEOUT,
  );
}

test("redis by sentinels: a dead sentinel does not matter if another one answers", async () => {
  await using servers = await startGuarded();
  const { host, port } = servers.sentinel;
  const options = { ...through(servers), sentinels: [{ host, port: 1 }, { host, port }] };
  await using a = await openNode(options, "news");
  await using b = await openNode(options);
  b.adapter.publish("news", "hello");
  await waitFor(() => a.on("news").length === 1);
  // ioredis keeps a timer of 2 s for each sentinel that it could not reach; one that is set later fires later.
  await new Promise((resolve) => setTimeout(resolve, 2_100));
}, TIMEOUT);

test(
  "redis by sentinels: a wrong password there is one clear error; an unknown master is waited for",
  async () => {
    await using servers = await startGuarded();
    const { host, port } = servers.sentinel;
    await using refused = createNode({ ...through(servers), sentinelPassword: "wr0ng" });
    const where = `Cannot connect to Redis at main of the sentinels ${host}:${port}: `;
    const error = await assertRejects(() => refused.opening, Error, where);
    assert(error.message.includes("WRONGPASS") && !error.message.includes("wr0ng"), error.message);

    await using unknown = createNode({ ...through(servers), name: "nobody" });
    await waitFor(() => unknown.errors.length > 0, { timeoutMs: 20_000 });
    assertEquals([unknown.errors[0]!.stage, unknown.statuses], ["open", []]);
  },
  TIMEOUT,
);
