import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { type HubError, systemClock } from "@trunkline/hub";
import { createPostgresAdapter, postgresHistorySql } from "@trunkline/hub/adapters/postgres";
import process from "node:process";
import { type PostgresOptions, startPostgres } from "../../../tools/brokers/postgres.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode } from "../../hub/chat.ts";
import { network } from "../../hub/wires.ts";
import { end, openStore, PLENTY, type StoreOptions, unique } from "./history_scene.ts";
import { openConsole } from "./scene.ts";

const URL = process.env.POSTGRES_URL!;
const TIMEOUT = { timeoutMs: 60_000 };

/** A server that waits for its disk, as those do that lose nothing. */
const DURABLE = { fsync: "on" };

const startServer = (settings: PostgresOptions["settings"] = DURABLE) => startPostgres({ settings });

for (const connector of ["postgres", "pg"] as const) {
  test(
    `postgres history: a killed server that waits for its disk goes on where it was, by ${connector}`,
    async () => {
      await using server = await startServer();
      await using store = openStore({ url: server.url, connector });
      const [epoch] = await store.append("news", "1", PLENTY);
      const ends = Array.from({ length: 50 }, () => end(store));
      await server.kill();
      const waiting = end(store, "later");
      await server.start();
      const told = await Promise.all(ends);
      const last = await waiting;
      const { position, complete, records } = await store.read("news", { since: [epoch, 0] });
      assertEquals([position, complete], [[epoch, last as number], true]);
      assertEquals(records.map(({ offset }) => offset), records.map((_, i) => i + 1));
      for (const one of told) assert(one === "UNCERTAIN" || (one as number) < (last as number), `${one}`);
      assertEquals(records.at(-1)!.data, "later");
    },
    TIMEOUT,
  );
}

test(
  "postgres history: a server that does not wait for its disk begins new epochs with each start",
  async () => {
    await using server = await startServer({ fsync: "off" });
    await using store = openStore({ url: server.url });
    const untouched = (await store.read("other")).position;
    const before = await store.append("news", "1", PLENTY);
    await server.kill();
    await server.start();
    const { position, complete, records } = await store.read("news", { since: before });
    assertEquals([position[1], complete, records], [0, false, []]);
    assertNotEquals(position[0], before[0]);
    assertNotEquals((await store.read("other")).position, untouched);
    // What a read has said is where the next message goes on.
    assertEquals(await store.append("news", "2", PLENTY), [position[0], 1]);
    assertEquals((await store.read("news", { since: position })).complete, true);
  },
  TIMEOUT,
);

test(
  "postgres history: after a recovery to a point in time, as after a failover, there are new epochs",
  async () => {
    await using server = await startServer({ ...DURABLE, restore_command: "false" });
    await using store = openStore({ url: server.url });
    await using console = openConsole(server.url);
    const before = await store.append("news", "1", PLENTY);
    await console.sql`COPY (SELECT 1) TO PROGRAM 'touch recovery.signal'`;
    await server.kill();
    await server.start();
    const { position, complete } = await store.read("news", { since: before });
    assertEquals([position[1], complete], [0, false]);
    assertNotEquals(position[0], before[0]);
    assertEquals(await store.append("news", "2", PLENTY), [position[0], 1]);
  },
  TIMEOUT,
);

test(
  "postgres history: missing tables are created again at run time, with new epochs",
  async () => {
    const schema = unique("histories");
    await using server = await startServer();
    await using store = openStore({ url: server.url, schema });
    await using console = openConsole(server.url);
    const before = await store.append("news", "1", PLENTY);
    const was = await store.read("other");
    await console.sql.unsafe(`DROP SCHEMA ${schema} CASCADE`);
    assertEquals(await end(store), "UNAVAILABLE");
    const keyed = { ...PLENTY, idempotencyKey: "2" };
    const [epoch, offset] = await waitFor(() => store.append("news", "2", keyed), { what: "an append" });
    assertEquals(offset, 1);
    assertNotEquals(epoch, before[0]);
    assertNotEquals((await store.read("other")).position, was.position);
  },
  TIMEOUT,
);

test(
  "postgres history: a table that was put back from a copy begins new epochs, though all its rows are the same",
  async () => {
    const schema = unique("histories");
    await using server = await startServer();
    await using store = openStore({ url: server.url, schema });
    await using console = openConsole(server.url);
    await console.sql`SELECT 1`;
    const before = await store.append("news", "1", PLENTY);
    const { sql } = console;
    await sql.unsafe(
      `CREATE TABLE ${schema}_heads AS SELECT * FROM ${schema}.history_heads; CREATE TABLE ${schema}_stores AS SELECT * FROM
    ${schema}.history_stores; DROP SCHEMA ${schema} CASCADE`,
    ).simple();
    await sql.unsafe(postgresHistorySql({ schema })).simple();
    await sql.unsafe(
      `INSERT INTO ${schema}.history_heads OVERRIDING SYSTEM VALUE SELECT * FROM ${schema}_heads;
    INSERT INTO ${schema}.history_stores SELECT * FROM ${schema}_stores`,
    ).simple();
    const { position, complete } = await waitFor(() => store.read("news", { since: before }), {
      what: "a read",
    });
    assertEquals([position[1], complete], [0, false]);
    assertNotEquals(position[0], before[0]);
  },
  TIMEOUT,
);

test(
  "postgres history: callers learn in time that the server is frozen, nothing is stored twice, and it goes on afterwards",
  async () => {
    await using server = await startServer();
    await using store = openStore({ url: server.url, answerTimeoutMs: 500 });
    await store.append("news", "1", PLENTY);
    server.pause();
    const sent = end(store, "2", { idempotencyKey: "2" });
    assertEquals(await sent, "UNCERTAIN");
    const aborter = new AbortController();
    const unsent = end(store, "3", { signal: aborter.signal });
    const read = assertRejects(async () => await store.read("news", { signal: aborter.signal }));
    aborter.abort(new Error("Nobody waits"));
    assertEquals(await unsent, "UNAVAILABLE");
    await read;
    server.resume();
    assertEquals(
      await waitFor(() => store.append("news", "2", { ...PLENTY, idempotencyKey: "2" }), {
        what: "an append",
      }).then(
        ([, offset]) => offset,
      ),
      2,
    );
    assertEquals((await store.read("news")).records.map(({ data }) => data), ["1", "2"]);
  },
  TIMEOUT,
);

test(
  "postgres history: a read-only server refuses publishes with UNAVAILABLE, and can be read",
  async () => {
    await using server = await startServer();
    await using store = openStore({ url: server.url });
    await using console = openConsole(server.url);
    await store.append("news", "1", PLENTY);
    await console.sql`ALTER SYSTEM SET default_transaction_read_only = on`;
    await console.sql`SELECT pg_reload_conf()`;
    await waitFor(async () => await end(store) === "UNAVAILABLE", { what: "a refusal" });
    await console.sql`SET default_transaction_read_only = off`;
    await console.sql`ALTER SYSTEM RESET default_transaction_read_only`;
    await console.sql`SELECT pg_reload_conf()`;
    await waitFor(async () => typeof await end(store, "2") === "number", {
      what: "an append",
      timeoutMs: 20_000,
    });
  },
  TIMEOUT,
);

test("postgres history: nodes that begin together make the tables once", async () => {
  const options = { prefix: "p", schema: unique("together") };
  const stores = Array.from(
    { length: 8 },
    (_, i) => openStore({ ...options, connector: i % 2 ? "pg" : "postgres" }),
  );
  const ends = await Promise.all(stores.map((store) => end(store)));
  assertEquals(ends.sort((a, b) => Number(a) - Number(b)), [1, 2, 3, 4, 5, 6, 7, 8]);
  assertEquals(stores.flatMap(({ errors }) => errors.map(({ message }) => message)), []);
  for (const store of stores) await store[Symbol.asyncDispose]();
}, TIMEOUT);

test(
  "postgres history: a user without the right to create tables is told what to do, and can use tables that another user has created",
  async () => {
    const [role, schema] = [unique("poor"), unique("mine")];
    await using console = openConsole(URL);
    await console.sql.unsafe(`CREATE ROLE ${role} LOGIN`);
    const url = URL.replace("postgres@", `${role}@`);
    const told = async (options: StoreOptions, words: string) => {
      await using store = openStore({ url, ...options });
      const error = await assertRejects(async () => await store.append("news", "1", PLENTY)) as HubError;
      assertEquals(error.code, "UNAVAILABLE");
      assert(error.message.includes(words), error.message);
      await assertRejects(async () => await store.read("news"));
      await waitFor(() => store.errors.length > 0, { what: "a report" });
    };
    await told({ schema }, "createTables: false");
    await told({ createTables: false, schema }, "postgresHistorySql()");
    for (let i = 0; i < 2; i++) await console.sql.unsafe(postgresHistorySql({ schema })).simple();
    await console.sql.unsafe(
      `GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role}`,
    ).simple();
    await using store = openStore({ url, createTables: false, schema });
    assertEquals(await end(store), 1);
    store.sweep!();
    assertEquals((await store.read("news")).records.length, 1);
    assertEquals(store.errors, []);
    await console.sql.unsafe(`DROP SCHEMA ${schema} CASCADE; DROP ROLE ${role}`).simple();
  },
  TIMEOUT,
);

test(
  "postgres history: an adapter without used histories opens no connection for them, and loads nothing",
  async () => {
    await using server = await startServer();
    await using console = openConsole(server.url);
    const adapter = createPostgresAdapter({ url: server.url, prefix: "p" });
    await using node = await createNode(undefined, { adapter, clock: systemClock });
    const [row] = await console
      .sql`SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'trunkline'`;
    assertEquals(row!.n, 2);
    assertEquals(node.errors, []);
  },
  TIMEOUT,
);

test(
  "postgres history: a client that has left one node recovers on another, over the adapter's own store",
  async () => {
    const prefix = crypto.randomUUID();
    const start = () =>
      createNode(undefined, { adapter: createPostgresAdapter({ url: URL, prefix }), clock: systemClock });
    await using a = await start();
    await using b = await start();
    const lines = { "ws://a/": a.loopback.client(), "ws://b/": b.loopback.client() };
    const client = await a.member(undefined, { url: Object.keys(lines), transport: network(lines) });
    const heard: number[] = [];
    const recoveries: boolean[] = [];
    await client.subscribe("log/x", ({ n }) => void heard.push(n), {
      onRecovery: ({ recovered }) => void recoveries.push(recovered),
    }).ready;
    await a.hub.publish("log/x", { n: 1 });
    await b.hub.publish("log/x", { n: 2 });
    await waitFor(() => heard.length === 2, { what: "the first two" });
    for (const line of Object.values(lines)) line.refuse(true);
    for (const line of Object.values(lines)) line.sever();
    await waitFor(() => client.status === "reconnecting", { what: "the client to notice" });
    await Promise.all([3, 4].map((n) => a.hub.publish("log/x", { n })));
    await b.hub.publish("log/x", { n: 5 });
    lines["ws://b/"].refuse(false);
    await waitFor(() => recoveries.length === 1, { what: "the recovery" });
    assertEquals(client.nodeId, b.hub.nodeId);
    await a.hub.publish("log/x", { n: 6 });
    await waitFor(() => heard.length === 6, { what: "everything" });
    assertEquals([heard, recoveries], [[1, 2, 3, 4, 5, 6], [true]]);
    assertEquals([a.errors, b.errors], [[], []]);
  },
  TIMEOUT,
);
