import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { createServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import postgres from "postgres";
import type { PostgresClientLike } from "../../../adapters/postgres/mod.ts";
import { startPostgres } from "../../../tools/brokers/postgres.ts";
import { runtime, test, waitFor } from "../../harness.ts";
import { CA, CERTIFICATE, KEY } from "../nats/certificates.ts";
import { bunSql, createNode, type NodeOptions, openConsole, openNode } from "./scene.ts";
import type { TestNode } from "../test_node.ts";

const TIMEOUT = { timeoutMs: 60_000 };
const PASSWORD = "s3cret: with / and @";

/** The ways to connect that this runtime has. */
async function clients(url: string): Promise<[string, NodeOptions][]> {
  const sql = postgres(url, { max: 1 });
  return [
    ["by postgres", { url, connector: "postgres" }],
    ["by pg", { url, connector: "pg" }],
    ["like a client of postgres", { client: sql }],
    ["like a client of pg", { client: new pg.Client(url) }],
    ...(runtime === "bun"
      ? [
        ["like a client of Bun", { client: await bunSql(url) as unknown as PostgresClientLike }] as [
          string,
          NodeOptions,
        ],
      ]
      : []),
  ];
}

test(
  "postgres: a node has two connections with recognisable names, and leaves none, however it connects",
  async () => {
    await using broker = await startPostgres({ password: PASSWORD });
    const url = broker.url.replace("postgres@", `postgres:${encodeURIComponent(PASSWORD)}@`);
    await using console = openConsole(url);
    const sessions = async () =>
      (await console.sql`SELECT pid FROM pg_stat_activity WHERE application_name = 'trunkline'`).length;
    for (const [how, options] of await clients(url)) {
      await using a = await openNode(options, "news");
      await using b = await openNode(options);
      b.adapter.publish("news", how);
      await waitFor(() => a.on("news").includes(how), { what: how });
      assertEquals(await sessions(), 4, how);
      await a.adapter.close();
      await b.adapter.close();
      await waitFor(async () => await sessions() === 0, { what: `no session left ${how}` });
      assertEquals([a.errors, b.errors], [[], []], how);
    }
  },
  TIMEOUT,
);

for (const connector of ["postgres", "pg"] as const) {
  test(`postgres: sessions that the server ends, one by one, are replaced, by ${connector}`, async () => {
    await using broker = await startPostgres();
    await using console = openConsole(broker.url);
    await using a = await openNode({ url: broker.url, connector }, "news");
    await using b = await openNode({ url: broker.url, connector }, "news");
    const downs = (node: TestNode) => node.statuses.filter((status) => status === "down").length;
    for (const [i, which] of ["LISTEN%", "%pg_notify%"].entries()) {
      await console.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'trunkline' AND query LIKE ${which}`;
      for (const node of [a, b]) {
        await waitFor(() => downs(node) === i + 1, { what: "the loss" });
        await node.is("up");
      }
      a.adapter.publish("news", which);
      await waitFor(() => b.on("news").includes(which), { what: which });
    }
    const lost = a.errors.find(({ error }) => error.message.includes("is lost"))!;
    assert(
      lost.error.message.includes(`connection to PostgreSQL at 127.0.0.1:${broker.port}/postgres is lost`),
      lost.error.message,
    );
  }, TIMEOUT);
}

test("postgres: a server that is frozen is noticed, and found when it thaws", async () => {
  await using broker = await startPostgres();
  const options = { url: broker.url, probeIntervalMs: 300, probeTimeoutMs: 1_000, connectTimeoutMs: 1_000 };
  await using a = await openNode(options, "news");
  await using b = await openNode(options);
  broker.pause();
  await Promise.all([a.is("down"), b.is("down")]);
  broker.resume();
  await Promise.all([a.is("up"), b.is("up")]);
  b.adapter.publish("news", "after");
  await waitFor(() => a.on("news").includes("after"));
  assertEquals(a.on("news"), ["after"]);
}, TIMEOUT);

test("postgres: a server without room for more connections is reported, and tried again", async () => {
  await using broker = await startPostgres({
    settings: { max_connections: "5", superuser_reserved_connections: "0", max_wal_senders: "0" },
  });
  const holders = Array.from({ length: 5 }, () => openConsole(broker.url));
  for (const { sql } of holders) await sql`SELECT 1`;
  await using node = createNode(broker.url);
  const { error } = await waitFor(() => node.errors[0], { timeoutMs: 10_000 });
  assert(error.message.includes("too many clients already"), error.message);
  for (const holder of holders) await holder[Symbol.asyncDispose]();
  await node.is("up");
}, TIMEOUT);

test("postgres: of several servers the primary is found, also when it is another one later", async () => {
  await using standby = await startPostgres({ standby: true });
  await using primary = await startPostgres();
  const at = (...ports: number[]) =>
    `postgres://postgres@${ports.map((port) => `127.0.0.1:${port}`).join()}/postgres`;
  for (const connector of ["postgres", "pg"] as const) {
    await using a = await openNode({ url: at(standby.port, primary.port), connector }, "news");
    await using b = await openNode({ url: at(standby.port, primary.port), connector });
    b.adapter.publish("news", "found");
    await waitFor(() => a.on("news").includes("found"));
  }
  await using alone = createNode(at(standby.port));
  const { error } = await waitFor(() => alone.errors[0], { timeoutMs: 10_000 });
  assert(error.message.includes("it is a standby"), error.message);
  assert(error.message.includes(`127.0.0.1:${standby.port}`), error.message);
}, TIMEOUT);

test(
  "postgres: a password may come from a function, which is called for each connection, and is never in an error",
  async () => {
    await using broker = await startPostgres({ password: PASSWORD });
    let asked = 0;
    const password = () => Promise.resolve(++asked === 1 ? "stale-token" : PASSWORD);
    await using refused = createNode({ url: broker.url, password });
    // Which of the two connections comes first is open.
    const outcome = await refused.opening.then(() => undefined, (error: Error) => error);
    for (const message of [outcome?.message ?? "", ...refused.errors.map(({ error }) => error.message)]) {
      assert(!message.includes("stale-token") && !message.includes(PASSWORD), message);
    }
    await using node = await openNode({ url: broker.url, password });
    assertEquals(node.statuses, ["up"]);
    await using never = createNode({
      url: broker.url,
      password: () => new Promise(() => {}),
      connectTimeoutMs: 200,
    });
    const { error } = await waitFor(() => never.errors[0]);
    assert(error.message.includes("No connection within 200 ms"), error.message);
    await using none = createNode({ url: broker.url, password: (() => undefined) as never });
    await assertRejects(() => none.opening, Error, "the function for the password gave no text");
  },
  TIMEOUT,
);

test("postgres over TLS: a certificate that is trusted by name works, with each kind of client", async () => {
  await using broker = await startPostgres({ tls: { cert: CERTIFICATE, key: KEY } });
  await using console = openConsole(broker.url);
  const url = `postgres://postgres@localhost:${broker.port}/postgres`;
  const trusted: NodeOptions[] = [
    { url, tls: { ca: CA } },
    { url, tls: { ca: [CA] }, connector: "pg" },
    { url: `${url}?sslmode=no-verify` },
    { client: postgres(url, { ssl: { ca: CA } }) },
    { client: new pg.Client({ connectionString: url, ssl: { ca: CA } }) },
  ];
  for (const options of trusted) {
    await using _node = await openNode(options);
    const [row] = await console
      .sql`SELECT bool_and(ssl) AS safe FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
      WHERE application_name = 'trunkline'`;
    assertEquals(row!.safe, true);
  }
  const refused: [NodeOptions, string][] = [
    [{ url, tls: true }, "the TLS handshake failed"],
    [{ url: `${url}?sslmode=verify-full` }, "the TLS handshake failed"],
    [{ url, tls: { ca: CA, servername: "x.example" } }, "the TLS handshake failed"],
    [{ client: postgres(url, { ssl: "verify-full" }) }, "the TLS handshake failed"],
  ];
  for (const [options, what] of refused) {
    await using node = createNode(options);
    await assertRejects(() => node.opening, Error, what);
  }
}, TIMEOUT);

test("postgres: an answer in place of the server before the encryption is not believed", async () => {
  // Says yes, and more behind it than anybody could know already.
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write("SR\0\0\0\x08\0\0\0\0"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  try {
    await using node = createNode({ host: "127.0.0.1", port, tls: true });
    await assertRejects(() => node.opening, Error, "not PostgreSQL");
  } finally {
    server.close();
    await once(server, "close");
  }
}, TIMEOUT);

test("postgres: a Unix socket is a host, too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-pg-"));
  chmodSync(folder, 0o777);
  try {
    await using broker = await startPostgres({ settings: { unix_socket_directories: folder } });
    const url = `postgres://postgres@${encodeURIComponent(folder)}:${broker.port}/postgres`;
    for (const connector of ["postgres", "pg"] as const) {
      await using node = await openNode({ url, connector });
      assertEquals(node.statuses, ["up"]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, TIMEOUT);
