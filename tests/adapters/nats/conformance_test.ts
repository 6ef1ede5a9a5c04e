import { connect as connectV3 } from "@nats-io/transport-node";
import { connect as connectV2 } from "nats";
import { createNatsAdapter, type NatsClient } from "../../../adapters/nats/mod.ts";
import { startNats } from "../../../tools/brokers/nats.ts";
import type { Broker } from "../../../tools/brokers/program.ts";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import {
  adapterConformance,
  type AdapterSetup,
  type AdapterWithClient,
  type BackplaneFaults,
  type Refusal,
} from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { publishForeign, startOther } from "./scene.ts";

/** The servers of one case. Every case gets its own, and leaves none. */
interface Backplane {
  readonly broker: Broker;
  /** Leads there through a proxy that can blackhole it. */
  readonly url: string;
  readonly faults: BackplaneFaults;
  /** Other servers that the case started. */
  readonly started: AsyncDisposable[];
}

let current: Backplane | undefined;

function backplane(): Backplane {
  if (!current) throw new TypeError("Cannot use the backplane between cases");
  return current;
}

async function onBackplane(run: () => Promise<void>): Promise<void> {
  await using broker = await startNats();
  await using proxy = await startProxy(broker.port);
  const started: AsyncDisposable[] = [];
  const faults: BackplaneFaults = {
    stop: () => broker.kill(),
    async start() {
      proxy.heal();
      if (!broker.running) await broker.start();
    },
    blackhole: () => proxy.blackhole(),
  };
  current = { broker, url: `nats://127.0.0.1:${proxy.port}`, faults, started };
  try {
    await run();
  } finally {
    for (const one of started.toReversed()) await one[Symbol.asyncDispose]();
    current = undefined;
  }
}

const SECRET = "s3cret-of-the-server";
const WRONG = "wrong-guess";

const refusals: readonly Refusal[] = [
  refusal("wrong password", ["--user", "alice", "--pass", SECRET], (at) => `nats://alice:${WRONG}@${at}`),
  refusal("no password", ["--user", "alice", "--pass", SECRET], (at) => `nats://${at}`),
  refusal("wrong token", ["--auth", SECRET], (at) => `nats://${WRONG}@${at}`),
  refusal("no TLS", [], (at) => `tls://${WRONG}@${at}`),
  {
    name: "a server that is not NATS",
    mentions: ["127.0.0.1:", "does not speak NATS"],
    secrets: [WRONG],
    async create({ prefix }) {
      const server = await startOther("HTTP/1.1 400 Bad Request\r\n\r\n");
      backplane().started.push(server);
      return createNatsAdapter({ servers: `nats://${WRONG}@127.0.0.1:${server.port}`, prefix });
    },
  },
];

function refusal(name: string, args: string[], url: (address: string) => string): Refusal {
  return {
    name,
    mentions: ["127.0.0.1:"],
    secrets: [WRONG, SECRET],
    async create({ prefix }) {
      const broker = await startNats({ args });
      backplane().started.push(broker);
      return createNatsAdapter({ servers: url(`127.0.0.1:${broker.port}`), prefix });
    },
  };
}

/** Soon enough for a test, and long enough for a machine that is busy. */
const PROBES = { probeIntervalMs: 2_000, connectTimeoutMs: 3_000 };

const common = {
  faults: {
    stop: () => backplane().faults.stop(),
    start: () => backplane().faults.start(),
    blackhole: () => backplane().faults.blackhole!(),
    noticeMs: 15_000,
  },
  waitMs: 20_000,
  async injectForeign({ prefix, channel }) {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const foreign = ["", "hello", "TL1", "TL1t99999:x", "TL2t1:ax", '{"from":"a"}'].map(bytes);
    await publishForeign(
      backplane().broker.url,
      `${prefix}.${channel}`,
      ...foreign,
      new Uint8Array([255, 0, 1]),
    );
  },
} satisfies Partial<AdapterSetup>;

const CLIENTS: Readonly<Record<string, () => Promise<NatsClient>>> = {
  "nats 2": () => connectV2({ servers: backplane().url, maxReconnectAttempts: -1, reconnectTimeWait: 100 }),
  "nats 3": () => connectV3({ servers: backplane().url, maxReconnectAttempts: -1, reconnectTimeWait: 100 }),
};

async function withClient(connect: () => Promise<NatsClient>, prefix: string): Promise<AdapterWithClient> {
  const client = await connect();
  return {
    adapter: createNatsAdapter({ connection: client, prefix }),
    useClient: () => client.flush(),
    endClient: () => client.close(),
  };
}

const SETUPS: Readonly<Record<string, AdapterSetup>> = {
  "nats": {
    ...common,
    create: ({ prefix }) => createNatsAdapter({ servers: backplane().url, prefix, ...PROBES }),
    createWithClient: ({ prefix }) => withClient(CLIENTS["nats 2"]!, prefix),
    refusals,
  },
  // Connections of the user's for every node: what happens to them is their library's business, and still all holds.
  ...Object.fromEntries(
    Object.entries(CLIENTS).map((
      [name, connect],
    ): [string, AdapterSetup] => [`nats, on connections of ${name}`, {
      ...common,
      async create({ prefix }) {
        const client = await connect();
        backplane().started.push({ [Symbol.asyncDispose]: () => client.close() });
        return createNatsAdapter({ connection: client, prefix, probeIntervalMs: PROBES.probeIntervalMs });
      },
      createWithClient: ({ prefix }) => withClient(connect, prefix),
      skip: [
        ...[
          "backplane unreachable at start: open waits for it, and the node joins when it is there",
          "close while the backplane is away, or was never there, settles",
        ].map((name) => ({ case: name, reason: "a connection that exists was connected" })),
      ],
    }]),
  ),
};

for (const [what, setup] of Object.entries(SETUPS)) {
  for (const { name, skip, run } of adapterConformance(setup)) {
    if (skip) test.skip(`${what}: ${name}`, skip);
    else test(`${what}: ${name}`, () => onBackplane(run), { timeoutMs: 120_000 });
  }
}
