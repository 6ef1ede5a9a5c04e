import process from "node:process";
import postgres from "postgres";
import pg from "pg";
import {
  createPostgresAdapter,
  type PostgresAdapterOptions,
  type PostgresClientLike,
} from "../../../adapters/postgres/mod.ts";
import { nameOf, NotifyChannels, partitionOf } from "../../../adapters/postgres/channels.ts";
import { type PostgresOptions, startPostgres } from "../../../tools/brokers/postgres.ts";
import type { Broker } from "../../../tools/brokers/program.ts";
import { type Proxy, startProxy } from "../../../tools/brokers/proxy.ts";
import {
  adapterConformance,
  type AdapterSetup,
  type AdapterWithClient,
  type Refusal,
} from "../../../conformance/mod.ts";
import { runtime, test } from "../../harness.ts";
import { CERTIFICATE, KEY } from "../nats/certificates.ts";
import { bunSql, openConsole, startOther } from "./scene.ts";

/** The servers of one case. */
interface Backplane {
  /** The server's own port. */
  readonly port: number;
  /** The way to it, anew after each time it was away. */
  proxy: Proxy;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Other servers that the case started. */
  readonly started: AsyncDisposable[];
}

let current: Backplane | undefined;

function backplane(): Backplane {
  if (!current) throw new TypeError("Cannot use the backplane between cases");
  return current;
}

async function on(
  port: number,
  run: () => Promise<void>,
  server?: Pick<Broker, "running" | "kill" | "start">,
): Promise<void> {
  let proxy = await startProxy(port);
  let away = false;
  current = {
    port,
    proxy,
    started: [],
    stop: () => {
      away = true;
      return server ? server.kill() : proxy.close();
    },
    async start() {
      proxy.heal();
      if (!away) return;
      away = false;
      if (server) await server.start();
      else current!.proxy = proxy = await startProxy(port, proxy.port);
    },
  };
  try {
    await run();
  } finally {
    for (const one of current.started.toReversed()) await one[Symbol.asyncDispose]();
    current = undefined;
    await proxy.close();
  }
}

/** The server dies, and has to recover. */
async function onKilledServer(run: () => Promise<void>): Promise<void> {
  await using server = await startPostgres();
  await on(server.port, run, server);
}

const sharedPort = Number(new URL(process.env.POSTGRES_URL!).port);

/** Breaks connections to a shared server and accepts no new ones: for a client this is the same as a dead server. */
const onSharedServer = (run: () => Promise<void>) => on(sharedPort, run);

/** Soon enough for a test, and long enough for a machine that is busy. */
const PROBES = { probeIntervalMs: 500, probeTimeoutMs: 1_500, connectTimeoutMs: 3_000 };

const at = (port: number, login = "postgres") => `postgres://${login}@127.0.0.1:${port}/postgres`;

const SECRET = "s3cret-of-the-server";
const WRONG = "wrong-guess";

/** Servers that refuse every client. */
const refusals: readonly Refusal[] = [
  refusal("wrong password", { password: SECRET }, (port) => ({ url: at(port, `postgres:${WRONG}`) })),
  refusal("wrong password, as pg connects", { password: SECRET }, (port) => ({
    url: at(port, `postgres:${WRONG}`),
    connector: "pg",
  })),
  refusal("no password", { password: SECRET }, (port) => ({ url: at(port) })),
  refusal(
    "no such database",
    undefined,
    (port) => ({ url: at(port, `postgres:${WRONG}`), database: "nowhere" }),
  ),
  refusal("no TLS", undefined, (port) => ({ url: at(port, `postgres:${WRONG}`), tls: true }), [
    "speaks no TLS",
  ]),
  refusal("a certificate that nobody trusts", { tls: { cert: CERTIFICATE, key: KEY } }, (port) => ({
    url: at(port, `postgres:${WRONG}`) + "?sslmode=require",
  }), ["TLS"]),
  {
    name: "an encoding without all of Unicode",
    mentions: ["127.0.0.1:", "LATIN1", "UTF8"],
    secrets: [WRONG],
    async create({ prefix }) {
      const console = openConsole(at(sharedPort));
      const database = `latin-${crypto.randomUUID()}`;
      await console.sql.unsafe(`CREATE DATABASE "${database}" ENCODING LATIN1 TEMPLATE template0`);
      backplane().started.push({
        async [Symbol.asyncDispose]() {
          await console.sql.unsafe(`DROP DATABASE "${database}" WITH (FORCE)`);
          await console[Symbol.asyncDispose]();
        },
      });
      return createPostgresAdapter({ url: at(sharedPort, `postgres:${WRONG}`), database, prefix });
    },
  },
  ...["postgres", "pg"].map((connector): Refusal => ({
    name: `a server that is not PostgreSQL, as ${connector} connects`,
    mentions: ["127.0.0.1:", "not PostgreSQL"],
    secrets: [WRONG],
    async create({ prefix }) {
      const server = await startOther("HTTP/1.1 400 Bad Request\r\n\r\n");
      backplane().started.push(server);
      const url = at(server.port, `postgres:${WRONG}`);
      return createPostgresAdapter({ url, connector: connector as "pg", prefix });
    },
  })),
];

function refusal(
  name: string,
  server: PostgresOptions | undefined,
  connection: (port: number) => Partial<PostgresAdapterOptions>,
  mentions: readonly string[] = [],
): Refusal {
  return {
    name,
    mentions: ["127.0.0.1:", ...mentions],
    secrets: [WRONG, SECRET],
    async create({ prefix }) {
      if (!server) return createPostgresAdapter({ ...connection(sharedPort), prefix });
      const broker = await startPostgres(server);
      backplane().started.push(broker);
      return createPostgresAdapter({ ...connection(broker.port), prefix });
    },
  };
}

const common = {
  faults: {
    stop: () => backplane().stop(),
    start: () => backplane().start(),
    blackhole: () => backplane().proxy.blackhole(),
    noticeMs: 15_000,
  },
  waitMs: 20_000,
  async injectForeign({ prefix, channel }) {
    const sql = postgres(at(backplane().port), { max: 1, fetch_types: false });
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

/** Clients that users have; each is connected to the case's proxy. */
interface Given {
  readonly client: PostgresClientLike;
  use(): Promise<unknown>;
  end(): Promise<void>;
}

const GIVEN: Readonly<Record<string, (url: string) => Promise<Given>>> = {
  "postgres": (url) => {
    const sql = postgres(url, { max: 1 });
    return Promise.resolve({ client: sql, use: async () => await sql`SELECT 1`, end: () => sql.end() });
  },
  "pg": async (url) => {
    const client = new pg.Client(url);
    client.on("error", () => {}); // its server is killed
    await client.connect();
    return { client, use: () => client.query("SELECT 1"), end: () => client.end() };
  },
  ...(runtime === "bun"
    ? {
      "Bun": async (url: string) => {
        const sql = await bunSql(url);
        return {
          client: sql,
          use: async () => await sql.unsafe("SELECT 1", []),
          end: () => sql.close({ timeout: 0 }),
        };
      },
    }
    : {}),
};

async function withClient(give: (url: string) => Promise<Given>, prefix: string): Promise<AdapterWithClient> {
  const { client, use, end } = await give(at(backplane().proxy.port));
  return {
    adapter: createPostgresAdapter({ client, prefix, ...PROBES }),
    useClient: async () => void await use(),
    endClient: end,
  };
}

/** The cases in which a server of their own is killed: the others that break something look away from it for a moment. */
const KILLS = /^backplane (killed|unreachable)/;

const SETUPS: Readonly<Record<string, AdapterSetup>> = {
  "postgres": {
    ...common,
    create: create("postgres"),
    createWithClient: ({ prefix }) => withClient(GIVEN["postgres"]!, prefix),
    refusals,
  },
  "postgres, as pg connects": {
    ...common,
    create: create("pg"),
    createWithClient: ({ prefix }) => withClient(GIVEN["pg"]!, prefix),
  },
  ...(GIVEN["Bun"]
    ? {
      "postgres, as Bun connects": {
        ...common,
        async create({ prefix }) {
          const sql = await bunSql(at(backplane().proxy.port)); // only its options are used
          return createPostgresAdapter({ client: sql, prefix, ...PROBES });
        },
        createWithClient: ({ prefix }) => withClient(GIVEN["Bun"]!, prefix),
      } satisfies AdapterSetup,
    }
    : {}),
};

for (const [what, setup] of Object.entries(SETUPS)) {
  for (const { name, skip, run } of adapterConformance(setup)) {
    // A killed server is the same for every connector, so one of them is enough.
    const where = what === "postgres" && KILLS.test(name) ? onKilledServer : onSharedServer;
    if (skip) test.skip(`${what}: ${name}`, skip);
    else test(`${what}: ${name}`, () => where(run), { timeoutMs: 120_000 });
  }
}
