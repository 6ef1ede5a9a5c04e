import { once } from "node:events";
import { createServer } from "node:net";
import { Buffer } from "node:buffer";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { createRedisAdapter } from "../../../adapters/redis/mod.ts";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import type { Broker } from "../../../tools/brokers/program.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import {
  adapterConformance,
  type AdapterSetup,
  type AdapterWithClient,
  type Refusal,
} from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { openConsole } from "./scene.ts";

/** The servers of one case. Every case gets its own, and leaves none. */
interface Backplane {
  readonly broker: Broker;
  /** Leads there through a proxy that can blackhole it. */
  readonly url: string;
  /** Other servers that the case started. */
  readonly started: AsyncDisposable[];
}

let current: Backplane | undefined;

function backplane(): Backplane {
  if (!current) throw new TypeError("Cannot use the backplane between cases");
  return current;
}

async function onBackplane(run: () => Promise<void>): Promise<void> {
  await using broker = await startRedis();
  await using proxy = await startProxy(broker.port);
  const started: AsyncDisposable[] = [];
  current = { broker, url: `redis://127.0.0.1:${proxy.port}`, started };
  faults = {
    stop: () => broker.kill(),
    async start() {
      proxy.heal();
      if (!broker.running) await broker.start();
    },
    blackhole: () => proxy.blackhole(),
  };
  try {
    await run();
  } finally {
    for (const one of started.toReversed()) await one[Symbol.asyncDispose]();
    current = undefined;
  }
}

let faults: { stop(): Promise<void>; start(): Promise<void>; blackhole(): void };

/** Soon enough for a test, and long enough for a machine that is busy. */
const PROBES = { probeIntervalMs: 1_000, probeTimeoutMs: 3_000, connectTimeoutMs: 3_000 };

const SECRET = "s3cret-of-the-server";
const WRONG = "wrong-guess";

/** Servers that refuse every client. */
const refusals: readonly Refusal[] = [
  refusal("wrong password", ["--requirepass", SECRET], (port) => `redis://:${WRONG}@127.0.0.1:${port}`),
  refusal("no password", ["--requirepass", SECRET], (port) => `redis://127.0.0.1:${port}`),
  refusal(
    "wrong password of an ACL user",
    ["--user", "alice", "on", `>${SECRET}`, "&*", "+@all"],
    (port) => `redis://alice:${WRONG}@127.0.0.1:${port}`,
  ),
  refusal(
    "an ACL user who may not subscribe",
    ["--user", "alice", "on", `>${WRONG}`, "resetchannels", "&other:*", "+@all"],
    (port) => `redis://alice:${WRONG}@127.0.0.1:${port}`,
  ),
  {
    name: "a server that is not Redis",
    mentions: ["127.0.0.1:", "not Redis"],
    secrets: [WRONG],
    async create({ prefix }) {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.resume();
        socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      backplane().started.push({
        async [Symbol.asyncDispose]() {
          server.close();
          await once(server, "close");
        },
      });
      const { port } = server.address() as { port: number };
      return createRedisAdapter({ url: `redis://:${WRONG}@127.0.0.1:${port}`, prefix });
    },
  },
];

function refusal(name: string, args: string[], url: (port: number) => string): Refusal {
  return {
    name,
    mentions: ["127.0.0.1:"],
    secrets: [WRONG, SECRET],
    async create({ prefix }) {
      const broker = await startRedis({ args });
      backplane().started.push(broker);
      return createRedisAdapter({ url: url(broker.port), prefix });
    },
  };
}

const common = {
  faults: {
    stop: () => faults.stop(),
    start: () => faults.start(),
    blackhole: () => faults.blackhole(),
    noticeMs: 15_000,
  },
  waitMs: 20_000,
  async injectForeign({ prefix, channel }) {
    await using console = await openConsole(backplane().broker.url);
    const foreign = [
      "",
      "hello",
      "TL1",
      "TL1t99999:x",
      "TL2t1:ax",
      '{"from":"a"}',
      Buffer.from([0xff, 0, 1]),
    ];
    const pipeline = console.redis.pipeline();
    for (const data of foreign) pipeline.publish(`${prefix}:c:${channel}`, data);
    await pipeline.exec();
  },
} satisfies Partial<AdapterSetup>;

function withIoredis({ prefix }: { prefix: string }): AdapterWithClient {
  const client = new Redis(backplane().url);
  client.on("error", () => {});
  return {
    adapter: createRedisAdapter({ client, prefix }),
    useClient: async () => void await client.ping(),
    async endClient() {
      const ended = new Promise((resolve) => client.once("end", resolve));
      client.disconnect();
      await ended;
    },
  };
}

async function withNodeRedis({ prefix }: { prefix: string }): Promise<AdapterWithClient> {
  const client = createClient({ url: backplane().url });
  client.on("error", () => {});
  await client.connect();
  return {
    adapter: createRedisAdapter({ client, prefix }),
    useClient: async () => void await client.ping(),
    endClient: () => Promise.resolve(client.destroy()),
  };
}

const SETUPS: Readonly<Record<string, AdapterSetup>> = {
  "redis": {
    ...common,
    create: ({ prefix }) => createRedisAdapter({ url: backplane().url, prefix, ...PROBES }),
    createWithClient: withIoredis,
    refusals,
  },
  // Only the options of a client are used, so it need not be connected.
  "redis, as node-redis connects": {
    ...common,
    create: ({ prefix }) =>
      createRedisAdapter({ client: createClient({ url: backplane().url }), prefix, ...PROBES }),
    createWithClient: withNodeRedis,
  },
};

for (const [what, setup] of Object.entries(SETUPS)) {
  for (const { name, skip, run } of adapterConformance(setup)) {
    if (skip) test.skip(`${what}: ${name}`, skip);
    else test(`${what}: ${name}`, () => onBackplane(run), { timeoutMs: 120_000 });
  }
}
