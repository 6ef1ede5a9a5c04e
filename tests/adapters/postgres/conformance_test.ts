import process from "node:process";
import postgres from "postgres";
import { createPostgresAdapter, type PostgresAdapterOptions } from "../../../adapters/postgres/mod.ts";
import { nameOf, NotifyChannels, partitionOf } from "../../../adapters/postgres/channels.ts";
import { startPostgres } from "../../../tools/brokers/postgres.ts";
import type { Broker } from "../../../tools/brokers/program.ts";
import { type Proxy, startProxy } from "../../../tools/brokers/proxy.ts";
import { adapterConformance, type AdapterSetup } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";

/** What one case plays on. */
interface Backplane {
  readonly broker: Pick<Broker, "port" | "running" | "kill" | "start">;
  readonly proxy: Proxy;
  /** What else the case started. */
  readonly started: AsyncDisposable[];
}

let current: Backplane | undefined;

function backplane(): Backplane {
  if (!current) throw new TypeError("Cannot use the backplane between cases");
  return current;
}

async function on(broker: Backplane["broker"], run: () => Promise<void>): Promise<void> {
  await using proxy = await startProxy(broker.port);
  current = { broker, proxy, started: [] };
  try {
    await run();
  } finally {
    for (const one of current.started.toReversed()) await one[Symbol.asyncDispose]();
    current = undefined;
  }
}

/** Making a server takes a second or two: only cases that break it have one of their own. */
async function onOwn(run: () => Promise<void>): Promise<void> {
  await using broker = await startPostgres();
  await on(broker, run);
}

const shared = {
  port: Number(new URL(process.env.POSTGRES_URL!).port),
  running: true,
  kill: () => Promise.reject(new TypeError("Cannot kill a server that is shared")),
  start: () => Promise.resolve(),
};

/** Soon enough for a test, and long enough for a machine that is busy. */
const PROBES = { probeIntervalMs: 1_000, probeTimeoutMs: 3_000, connectTimeoutMs: 3_000 };

const at = (port: number, login = "postgres") => `postgres://${login}@127.0.0.1:${port}/postgres`;

const common = {
  faults: {
    stop: () => backplane().broker.kill(),
    async start() {
      const { broker, proxy } = backplane();
      proxy.heal();
      if (!broker.running) await broker.start();
    },
    blackhole: () => backplane().proxy.blackhole(),
    noticeMs: 15_000,
  },
  waitMs: 20_000,
  async injectForeign({ prefix, channel }) {
    const sql = postgres(at(backplane().broker.port), { max: 1, fetch_types: false });
    const name = nameOf(channel);
    const notify = new NotifyChannels(prefix).of(partitionOf(name));
    const foreign = [
      "",
      "hello",
      "TL1t1:ax",
      "0.5:cnewshello",
      "0.5:cnewsTL1",
      "0.5:cnewsTL1t99999:x",
      "0.5:cnewsTL2t1:ax",
      "0.5:cnewsTP1x.1.1:",
      "0.99:cnews",
      '{"from":"a"}',
    ];
    try {
      for (const payload of foreign) await sql.notify(notify, payload);
    } finally {
      await sql.end();
    }
  },
} satisfies Partial<AdapterSetup>;

const create = (connector: PostgresAdapterOptions["connector"]) => ({ prefix }: { prefix: string }) =>
  createPostgresAdapter({ url: at(backplane().proxy.port), connector, prefix, ...PROBES });

const SETUPS: Readonly<Record<string, AdapterSetup>> = {
  "postgres": { ...common, create: create("postgres") },
  "postgres, as pg connects": { ...common, create: create("pg") },
};

for (const [what, setup] of Object.entries(SETUPS)) {
  const breaking = adapterConformance({ ...setup, faults: undefined }).filter(({ skip }) => skip);
  for (const { name, skip, run } of adapterConformance(setup)) {
    const where = breaking.some((other) => other.name === name)
      ? onOwn
      : (run: () => Promise<void>) => on(shared, run);
    if (skip) test.skip(`${what}: ${name}`, skip);
    else test(`${what}: ${name}`, () => where(run), { timeoutMs: 120_000 });
  }
}
