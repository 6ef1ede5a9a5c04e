import { AMQPClient } from "@cloudamqp/amqp-client";
import { createRabbitMqAdapter, type RabbitMqAdapterOptions } from "../../../adapters/rabbitmq/mod.ts";
import { adapterConformance, type BackplaneFaults, type Refusal } from "../../../conformance/mod.ts";
import { type Proxy, startProxy } from "../../../tools/brokers/proxy.ts";
import { test } from "../../harness.ts";
import { publishForeign, SHARED, startOther } from "./scene.ts";

/** The broker of one case: that of the run, behind a proxy that can cut it off. */
interface Backplane {
  readonly port: number;
  readonly faults: BackplaneFaults;
  /** Other servers that the case started. */
  readonly started: AsyncDisposable[];
}

let current: Backplane | undefined;

function backplane(): Backplane {
  if (!current) throw new TypeError("Cannot use the backplane between cases");
  return current;
}

/** The broker takes seconds to start: a proxy that ends everything and is gone stands for it, and another test kills one. */
async function onBackplane(run: () => Promise<void>): Promise<void> {
  const target = Number(new URL(SHARED).port);
  let proxy: Proxy | undefined = await startProxy(target);
  const { port } = proxy;
  const started: AsyncDisposable[] = [];
  const faults: BackplaneFaults = {
    async stop() {
      await proxy?.close();
      proxy = undefined;
    },
    async start() {
      proxy ??= await startProxy(target, port);
      proxy.heal();
    },
    blackhole: () => proxy!.blackhole(),
  };
  current = { port, faults, started };
  try {
    await run();
  } finally {
    for (const one of started.toReversed()) await one[Symbol.asyncDispose]();
    await proxy?.close();
    current = undefined;
  }
}

const WRONG = "wrong-guess";

const refusals: readonly Refusal[] = [
  refusal("wrong password", (port) => ({ url: `amqp://guest:${WRONG}@127.0.0.1:${port}` })),
  refusal(
    "unknown user",
    (port) => ({ url: `amqp://127.0.0.1:${port}`, username: "nobody", password: WRONG }),
  ),
  refusal("unknown virtual host", (port) => ({ url: `amqp://127.0.0.1:${port}/nowhere` })),
  refusal("no TLS", (port) => ({ url: `amqps://guest:${WRONG}@127.0.0.1:${port}` })),
  {
    name: "a server that is not RabbitMQ",
    mentions: ["127.0.0.1:", "does not speak AMQP"],
    secrets: [WRONG],
    async create({ prefix }) {
      const server = await startOther("HTTP/1.1 400 Bad Request\r\n\r\n");
      backplane().started.push(server);
      return createRabbitMqAdapter({ url: `amqp://u:${WRONG}@127.0.0.1:${server.port}`, prefix });
    },
  },
];

function refusal(name: string, options: (port: number) => Partial<RabbitMqAdapterOptions>): Refusal {
  return {
    name,
    mentions: ["127.0.0.1:"],
    secrets: [WRONG],
    create: ({ prefix }) => createRabbitMqAdapter({ prefix, ...options(backplane().port) }),
  };
}

const create = (prefix: string) =>
  createRabbitMqAdapter({
    url: `amqp://127.0.0.1:${backplane().port}`,
    prefix,
    // Soon enough for a test, and long enough for a machine that is busy.
    probeIntervalMs: 1_000,
    probeTimeoutMs: 2_000,
    connectTimeoutMs: 3_000,
  });

const cases = adapterConformance({
  create: ({ prefix }) => create(prefix),
  async createWithClient({ prefix }) {
    const client = new AMQPClient(`amqp://127.0.0.1:${backplane().port}`);
    await client.connect();
    return {
      adapter: createRabbitMqAdapter({ client, prefix }),
      useClient: async () => void await client.channel(),
      endClient: () => client.close(),
    };
  },
  refusals,
  faults: {
    stop: () => backplane().faults.stop(),
    start: () => backplane().faults.start(),
    blackhole: () => backplane().faults.blackhole!(),
    noticeMs: 15_000,
  },
  waitMs: 20_000,
  async injectForeign({ prefix, channel }) {
    const foreign = [
      "",
      "hello",
      "TL1",
      "TL1t99999:x",
      "TL2t1:ax",
      '{"from":"a"}',
      new Uint8Array([255, 0, 1]),
    ];
    await publishForeign(prefix, `c:${channel}`, foreign);
    await publishForeign(prefix, `c:${channel}`, foreign, { type: "trunkline.pack" });
    await publishForeign(prefix, `c:${channel}`, foreign, { headers: { name: 7 } });
  },
});

for (const { name, skip, run } of cases) {
  if (skip) test.skip(`rabbitmq: ${name}`, skip);
  else test(`rabbitmq: ${name}`, () => onBackplane(run), { timeoutMs: 120_000 });
}
