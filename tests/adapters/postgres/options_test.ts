import { assert, assertEquals, assertThrows } from "@std/assert";
import pg from "pg";
import postgres from "postgres";
import { nameOf, NotifyChannels } from "../../../adapters/postgres/channels.ts";
import type { Connection, Dialer } from "../../../adapters/postgres/connection.ts";
import { PostgresEngine } from "../../../adapters/postgres/engine.ts";
import { createPostgresAdapter, type PostgresAdapterOptions } from "../../../adapters/postgres/mod.ts";
import { parseUrl, toTarget } from "../../../adapters/postgres/target.ts";
import { FakeClock } from "../../fake_clock.ts";
import { runtime, test } from "../../harness.ts";
import { bunSql } from "./scene.ts";

const create = (options: object) => createPostgresAdapter(options as PostgresAdapterOptions);

test("postgres: invalid options are refused, without secrets in the error", () => {
  const prefix = "app";
  const url = "postgres://me:hush@h/db";
  const refused: [object | string, string][] = [
    [{ url }, "prefix"],
    [{ url, prefix: "" }, "prefix"],
    [url, "{ url, prefix:"],
    [{ url: "http://me:hush@h", prefix }, "postgres://user:password@host"],
    [{ url: "postgres://", prefix }, "postgres://user:password@host"],
    [{ url: "postgres://me:hu%sh@h/db", prefix }, "percent-encoded"],
    [{ url: "postgres://me:hush@a,,b/db", prefix }, "postgres://user:password@host"],
    [{ url: `${url}?sslmode=prefer`, prefix }, "sslmode"],
    [{ url: `${url}?sslmode=toString`, prefix }, "sslmode"],
    [{ url, prefix, pasword: "hush" }, "password"],
    [{ url, prefix, password: 5 }, "password"],
    [{ url, prefix, port: 70_000 }, "port"],
    [{ url, prefix, tls: "hush" }, "tls"],
    [{ url, prefix, connector: "pgx" }, "connector"],
    [{ client: {}, prefix }, "Cannot use this client"],
    [{ client: "hush", prefix }, "client"],
    [{ client: () => {}, prefix }, "Cannot use this client"],
  ];
  for (const [options, what] of refused) {
    const error = assertThrows(() => create(options as object), Error, what);
    assert(!error.message.includes("hush"), error.message);
  }
});

test("postgres: clients that cannot listen, or are in use, are refused with the reason", async () => {
  const [url, prefix] = ["postgres://me:hush@127.0.0.1:9/db", "app"];
  const sql = (options: object) => postgres(url, options as postgres.Options<Record<string, never>>);
  const refused: [object, string][] = [
    [{ client: new pg.Pool({ connectionString: url }) }, "Cannot use a Pool of pg"],
    [{ client: sql({ ssl: "prefer" }) }, "encrypts only if the server does"],
    [{ client: sql({ socket: () => {} }) }, "socket of its own"],
    [{ client: sql({}), url }, "both a client and url"],
    [{ client: sql({}), tls: true }, "both a client and tls"],
    [{ client: new pg.Client(url), connector: "pg" }, "both a client and connector"],
  ];
  if (runtime === "bun") {
    const client = await bunSql(url) as { listen?: unknown };
    client.listen = undefined;
    refused.push([{ client }, "this version of Bun cannot listen"]);
    refused.push([{ client: await bunSql("mysql://me:hush@127.0.0.1:9/db") }, "another kind of database"]);
  }
  for (const [options, what] of refused) {
    const error = assertThrows(() => create({ prefix, ...options }), TypeError, what);
    assert(!error.message.includes("hush"), error.message);
  }
});

test("postgres: a URL gives the address and the user, of one server or several", () => {
  const read = (url: string) => toTarget(parseUrl(url));
  assertEquals(read("postgres://h"), {
    addresses: [{ host: "h", port: 5432 }],
    user: "postgres",
    database: "postgres",
    startup: {},
  });
  assertEquals(
    read(
      "postgresql://me:a%40b@[::1]:5433/my%20db?sslmode=require&options=-c%20a%3Db&channel_binding=require",
    ),
    {
      addresses: [{ host: "::1", port: 5433 }],
      user: "me",
      password: "a@b",
      database: "my db",
      tls: {},
      startup: { options: "-c a=b" },
    },
  );
  assertEquals(read("postgres://me@a:1,b,[::2]:3/db").addresses, [
    { host: "a", port: 1 },
    { host: "b", port: 5432 },
    { host: "::2", port: 3 },
  ]);
  assertEquals(read("postgres://me@%2Frun%2Fpg/db").addresses, [{ host: "/run/pg", port: 5432 }]);
  assertEquals(read("postgres://me@h/db?sslmode=no-verify").tls, { rejectUnauthorized: false });
  assertEquals(read("postgres://me@h/db?sslmode=disable").tls, undefined);
});

test("postgres: a notify queue that fills up is reported as it grows, and again after it was empty", async () => {
  let usage = 0;
  const connection: Connection = {
    listen: () => Promise.resolve(),
    unlisten: () => Promise.resolve(),
    // The real one takes gigabytes to fill.
    ask: (_statement, [channel, token]) => {
      queueMicrotask(() => hear(channel!, token!));
      return Promise.resolve([{ usage }]);
    },
    destroy: () => Promise.resolve(),
  };
  let hear = (_channel: string, _payload: string) => {};
  const dialer: Dialer = {
    address: "h",
    secrets: [],
    connect(_role, { onNotification }) {
      hear = onNotification;
      return Promise.resolve(connection);
    },
  };
  const engine = new PostgresEngine({
    dialer,
    channels: new NotifyChannels("p"),
    clock: new FakeClock(),
    probeTimeoutMs: 1_000,
    maxMessageBytes: 1_000,
    connectTimeoutMs: 1_000,
    history: { schema: "trunkline", createTables: true, lockTimeoutMs: 1_000, forgetAfterMs: 1_000 },
  });
  const told: string[] = [];
  const ignore = () => {};
  const link = await engine.connect("subscriber", "node", {
    onMessage: ignore,
    onRefused: ignore,
    onMissed: ignore,
    onHeld: ignore,
    onNodeGone: ignore,
    onPublishRefused: ignore,
    onForeign: ignore,
    onTrouble: (_stage, what) => void told.push(/[\d]+ %/.exec(what)![0]),
    onLost: ignore,
  }, new AbortController().signal);
  for (usage of [0.1, 0.49, 0.5, 0.55, 0.61, 0.62, 0.99, 0.45, 0.55, 0.2, 0.55]) {
    assertEquals(await engine.probe(link), undefined);
  }
  assertEquals(told, ["50 %", "61 %", "99 %", "55 %"]);
  await engine.destroy(link);
});

test("postgres: a channel's name in payloads is never that of another one", () => {
  const channels = [
    "",
    "a",
    "c",
    "h",
    "\0",
    "\ud800",
    "\udc00",
    "x".repeat(255),
    "x".repeat(256),
    "x".repeat(257),
  ];
  assertEquals(new Set(channels.map(nameOf)).size, channels.length);
});
