import { Cluster } from "ioredis";
import process from "node:process";
import { createRedisClusterAdapter } from "../../../adapters/redis_cluster/mod.ts";
import { Names, partitionOf, placePartitions } from "../../../adapters/redis_cluster/partitions.ts";
import { type Proxy, startProxy } from "../../../tools/brokers/proxy.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { type RedisCluster, startRedisCluster } from "../../../tools/brokers/redis_cluster.ts";
import { adapterConformance, type AdapterSetup, type Refusal } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { ask, endCluster, TIMES } from "./scene.ts";

const MODES = ["sharded", "classic"] as const;

/** The cluster that all tests share; no test breaks it. */
const url = process.env.REDIS_CLUSTER_URL;

/** A cluster that a case breaks. */
interface Breakable {
  readonly cluster: RedisCluster;
  readonly natMap: Record<string, { host: string; port: number }>;
  readonly faults: Required<Pick<NonNullable<AdapterSetup["faults"]>, "stop" | "start" | "blackhole">>;
}

let breakable: Breakable | undefined;

function present(): Breakable {
  if (!breakable) throw new TypeError("Cannot break the cluster between cases");
  return breakable;
}

async function onBreakable(run: () => Promise<void>): Promise<void> {
  await using cluster = await startRedisCluster({ nodeTimeoutMs: 1_000 });
  await using stack = new AsyncDisposableStack();
  const proxies: Proxy[] = [];
  for (const { port } of cluster.nodes) proxies.push(stack.use(await startProxy(port)));
  breakable = {
    cluster,
    natMap: Object.fromEntries(
      cluster.nodes.map((
        { port },
        i,
      ) => [`127.0.0.1:${port}`, { host: "127.0.0.1", port: proxies[i]!.port }]),
    ),
    faults: {
      stop: async () => void await Promise.all(cluster.nodes.map((node) => node.kill())),
      async start() {
        for (const proxy of proxies) proxy.heal();
        await Promise.all(cluster.nodes.filter(({ running }) => !running).map((node) => node.start()));
        await cluster.waitUntilStable();
      },
      blackhole: () => proxies.forEach((proxy) => proxy.blackhole()),
    },
  };
  try {
    await run();
  } finally {
    breakable = undefined;
  }
}

const SECRET = "s3cret-of-the-cluster";
const WRONG = "wrong-guess";

/** A server, and what a node is told of it that will not have it. */
function refusal(
  name: string,
  args: readonly string[],
  mentions: readonly string[],
  stack: () => AsyncDisposableStack,
): Refusal {
  return {
    name,
    mentions: ["127.0.0.1:", ...mentions],
    secrets: [WRONG, SECRET],
    async create({ prefix }) {
      const broker = stack().use(await startRedis({ args }));
      if (args.includes("--cluster-enabled") && !args.includes("--requirepass")) {
        await ask(broker.port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
      }
      return createRedisClusterAdapter({ nodes: broker.url, password: WRONG, prefix, ...TIMES });
    },
  };
}

let servers: AsyncDisposableStack | undefined;
const OPEN_TO_ALL = ["--user", "default", "on", `>${WRONG}`, "nopass", "~*", "&*", "+@all"];
const CLUSTER = ["--cluster-enabled", "yes"];
const refusals = [
  refusal("wrong password", [...CLUSTER, "--requirepass", SECRET], ["password"], () => servers!),
  refusal("a server that is no cluster", OPEN_TO_ALL, ["not part of a cluster"], () => servers!),
  refusal(
    "a cluster without sharded pub/sub",
    [...OPEN_TO_ALL, ...CLUSTER, "--rename-command", "SPUBLISH", ""],
    ['mode: "classic"'],
    () => servers!,
  ),
];

for (const mode of MODES) {
  const names = (prefix: string, channel: string) => {
    const places = mode === "sharded" ? placePartitions(64) : [{ tag: "classic" }];
    return new Names(prefix).of(places[partitionOf(channel, places.length)]!.tag, channel);
  };
  const healthy: AdapterSetup = {
    create: ({ prefix }) => createRedisClusterAdapter({ nodes: url, prefix, mode, ...TIMES }),
    waitMs: 30_000,
    async injectForeign({ prefix, channel }) {
      const client = new Cluster(url!.split(","));
      const name = names(prefix, channel);
      for (const data of ["", "hello", "TL1", "TL1t99999:x", "TL1t1:ahello", "TL2t1:ax", '{"from":"a"}']) {
        await (mode === "sharded" ? client.spublish(name, data) : client.publish(name, data));
      }
      await endCluster(client);
    },
    createWithClient({ prefix }) {
      const client = new Cluster(url!.split(","));
      client.on("error", () => {});
      return {
        adapter: createRedisClusterAdapter({ client, prefix, mode, ...TIMES }),
        async useClient() {
          await client.get("anything");
          // A connection that is still being made when the client ends would leave a timer of ioredis behind.
          await Promise.all(client.nodes().map((node) => node.ping()));
          await client.subscribe("anything");
        },
        endClient: () => endCluster(client),
      };
    },
  };
  const broken: AdapterSetup = {
    waitMs: 60_000,
    create: ({ prefix }) => {
      const { cluster, natMap } = present();
      const nodes = cluster.nodes.map(({ port }) => natMap[`127.0.0.1:${port}`]!);
      return createRedisClusterAdapter({ nodes, natMap, prefix, mode, ...TIMES });
    },
    faults: {
      stop: () => present().faults.stop(),
      start: () => breakable?.faults.start(),
      blackhole: () => present().faults.blackhole(),
      noticeMs: 20_000,
    },
  };
  const needFaults = new Set(
    adapterConformance(healthy).filter(({ skip }) => skip !== undefined).map(({ name }) => name),
  );
  for (const { name, skip, run } of adapterConformance(healthy)) {
    if (needFaults.has(name)) continue;
    const title = `redis-cluster, ${mode}: ${name}`;
    if (!url) test.skip(title, "REDIS_CLUSTER_URL names no cluster");
    else if (skip) test.skip(title, skip);
    else test(title, run, { timeoutMs: 120_000 });
  }
  for (const { name, run } of adapterConformance(broken)) {
    if (needFaults.has(name)) {
      test(`redis-cluster, ${mode}: ${name}`, () => onBreakable(run), { timeoutMs: 120_000 });
    }
  }
}

const refused = adapterConformance({
  create: () => createRedisClusterAdapter({ nodes: "127.0.0.1", prefix: "p" }),
  refusals,
});
for (const { name, run } of refused.filter(({ name }) => refusals.some((one) => name.startsWith(one.name)))) {
  test(`redis-cluster: ${name}`, async () => {
    await using stack = new AsyncDisposableStack();
    servers = stack;
    await run();
  }, { timeoutMs: 60_000 });
}
