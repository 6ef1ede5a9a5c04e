import { assert, assertEquals, assertRejects } from "@std/assert";
import pg from "pg";
import process from "node:process";
import type { AdapterData } from "../../../adapters/adapter.ts";
import { MAX_PAYLOAD_BYTES, nameOf, NotifyChannels } from "../../../adapters/postgres/channels.ts";
import { prepareSession } from "../../../adapters/postgres/connection.ts";
import { createPostgresAdapter, type PostgresAdapter } from "../../../adapters/postgres/mod.ts";
import { Packer } from "../../../adapters/postgres/publishing.ts";
import { Chunks } from "../../../adapters/kit/chunks.ts";
import { systemClock } from "../../../contract/clock.ts";
import { utf8Size } from "../../../contract/values/utf8_size.ts";
import { startPostgres } from "../../../tools/brokers/postgres.ts";
import { runtime, test, waitFor } from "../../harness.ts";
import { bunSql, openConsole, openNode, transactions } from "./scene.ts";
import type { TestNode } from "../test_node.ts";

const URL = process.env.POSTGRES_URL!;
const TIMEOUT = { timeoutMs: 60_000 };

const pair = async (...channels: string[]): Promise<[TestNode, TestNode]> => {
  const prefix = crypto.randomUUID();
  return [await openNode({ url: URL, prefix }), await openNode({ url: URL, prefix }, ...channels)];
};

for (const connector of ["postgres", "pg"] as const) {
  test(`postgres: the same text many times in one turn arrives as often, by ${connector}`, async () => {
    const options = { url: URL, prefix: crypto.randomUUID(), connector };
    await using a = await openNode(options);
    await using b = await openNode(options, "news", "other");
    for (let i = 0; i < 100; i++) for (const channel of ["news", "other"]) a.adapter.publish(channel, "same");
    await waitFor(() => b.received.length === 200);
    assertEquals([b.on("news").length, b.on("other").length], [100, 100]);
  }, TIMEOUT);
}

test(
  "postgres: messages of one turn arrive in order across channels, large and small",
  async () => {
    const [first, second] = await pair("x", "y", "z");
    await using a = first;
    await using b = second;
    const sent = Array.from({ length: 120 }, (_, i): [string, AdapterData] => {
      const text = `${i} ${"é".repeat(i % 7 === 0 ? 20_000 : i)}`;
      return ["xyz"[i % 3]!, i % 5 === 0 ? new TextEncoder().encode(text) : text];
    });
    for (const [channel, data] of sent) a.adapter.publish(channel, data);
    await waitFor(() => b.received.length === sent.length, { timeoutMs: 20_000 });
    assertEquals(b.received.map(({ channel, data }) => [channel, data]), sent);
    assertEquals([a.errors, b.errors], [[], []]);
  },
  TIMEOUT,
);

test("postgres: messages that are published during a statement go out together in the next one", async () => {
  const prefix = crypto.randomUUID();
  await using broker = await startPostgres();
  await using console = openConsole(broker.url);
  await using a = await openNode({ url: broker.url, prefix });
  await using b = await openNode({ url: broker.url, prefix }, "news");
  const commits = async () => {
    await console.sql`SELECT pg_stat_clear_snapshot()`;
    const [row] = await console.sql`SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'`;
    return Number(row!.xact_commit);
  };
  const before = await commits();
  for (let i = 0; i < 5_000; i++) {
    a.adapter.publish("news", `${i}`);
    if (i % 10 === 0) await Promise.resolve().then(() => {});
  }
  await waitFor(() => b.received.length === 5_000, { timeoutMs: 20_000 });
  await a.adapter.close(); // with that its session has told its statistics
  assertEquals(b.on("news"), Array.from({ length: 5_000 }, (_, i) => `${i}`));
  const after = await waitFor(async () => {
    const count = await commits();
    return count > before + 2 ? count : undefined;
  });
  assert(after - before < 100, `${after - before} transactions`);
}, TIMEOUT);

test("postgres: payloads of every size about the limit are within it, and arrive whole", async () => {
  const [first, second] = await pair("€ 💥");
  await using a = first;
  await using b = second;
  const sent: AdapterData[] = [];
  for (let length = 7_880; length < 8_010; length += 3) {
    sent.push(
      "x".repeat(length),
      "€".repeat(Math.floor(length / 3)) + `${length}`,
      new Uint8Array(length * 3 / 4 | 0),
    );
  }
  for (const data of sent) a.adapter.publish("€ 💥", data);
  await waitFor(() => b.received.length === sent.length, { timeoutMs: 20_000 });
  assertEquals(b.on("€ 💥"), sent);
  assertEquals(a.errors, []);
}, TIMEOUT);

test("postgres: no payload is larger than PostgreSQL takes, and no two of them are the same", () => {
  const chunks = new Chunks({ maxHeldBytes: 1, clock: systemClock, onLost() {} });
  const packer = new Packer(new NotifyChannels("p"), chunks);
  const seen = new Set<string>();
  for (const channel of ["", "c", "€".repeat(255), "x".repeat(300), "💥".repeat(127), "\ud800"]) {
    for (const size of [0, 1, 7_900, 7_950, 7_999, 8_000, 50_000]) {
      for (const sign of ["a", "é", "€", "💥"]) {
        for (
          const payload of packer.payloadsOf({ name: nameOf(channel), data: sign.repeat(size / sign.length) })
        ) {
          assert(utf8Size(payload) <= MAX_PAYLOAD_BYTES, `${utf8Size(payload)} bytes`);
          assert(!seen.has(payload), "two that are the same");
          seen.add(payload);
        }
      }
    }
  }
  assert(seen.size > 6 * 7 * 4);
});

test("postgres: names of notify channels are short, and differ for different prefixes", () => {
  const prefixes = [
    "a",
    "a:0",
    "a:",
    "tl",
    "x".repeat(32),
    "x".repeat(33),
    "x".repeat(5_000),
    "Ü",
    "a b",
    "A",
    '"',
    "a%3A0",
  ];
  const names = new Set<string>();
  for (const prefix of prefixes) {
    const channels = new NotifyChannels(prefix);
    for (
      const name of [
        channels.of(0),
        channels.of(1_023),
        channels.probeOf("node"),
        channels.probeOf("n".repeat(1_024)),
      ]
    ) {
      assert(/^[\w.:#-]{1,63}$/.test(name), name);
      names.add(name);
    }
  }
  assertEquals(names.size, 4 * prefixes.length);
});

test("postgres: channels whose names are long, empty or not Unicode are kept apart", async () => {
  const channels = [
    "",
    "x".repeat(255),
    "x".repeat(256),
    "x".repeat(50_000),
    "\0",
    "\ud800",
    "\ud801",
    "h",
    "c",
  ];
  const [first, second] = await pair(...channels);
  await using a = first;
  await using b = second;
  channels.forEach((channel, i) => a.adapter.publish(channel, `${i}`));
  await waitFor(() => b.received.length === channels.length);
  assertEquals(channels.map((channel) => b.on(channel)), channels.map((_, i) => [`${i}`]));
}, TIMEOUT);

const data = ["small", "large ".repeat(10_000), new Uint8Array(20_000).fill(7)];

for (const [kind, transact] of Object.entries(transactions(URL))) {
  test(
    `postgres: messages of a transaction arrive with its commit, and never without it, by ${kind}`,
    async () => {
      const [first, second] = await pair("news");
      await using a = first;
      await using b = second;
      const adapter = a.adapter as PostgresAdapter;
      await assertRejects(
        () =>
          transact(async (tx) => {
            await adapter.publishIn(tx, "news", "rolled back");
            throw new Error("changed my mind");
          }),
        Error,
        "changed my mind",
      );
      await transact(async (tx) => {
        for (const message of [...data, "same", "same"]) await adapter.publishIn(tx, "news", message);
        // Another connection's, which is committed first.
        a.adapter.publish("news", "meanwhile");
        await waitFor(() => b.on("news").includes("meanwhile"));
      });
      await waitFor(() => b.received.length === 6);
      assertEquals(b.on("news"), ["meanwhile", ...data, "same", "same"]);
      assertEquals(b.errors, []);
    },
    TIMEOUT,
  );
}

test(
  "postgres: a whole client instead of a transaction is refused, and so is an invalid message, with nothing sent",
  async () => {
    const [first, second] = await pair("news");
    await using a = first;
    await using b = second;
    await using console = openConsole(URL);
    const pool = new pg.Pool({ connectionString: URL });
    const bun = runtime === "bun" ? await bunSql(URL) : undefined;
    const adapter = a.adapter as PostgresAdapter;
    try {
      for (const tx of [console.sql, pool, bun ?? console.sql, undefined, null, {}, 5, "x"]) {
        await assertRejects(
          () => adapter.publishIn(tx as never, "news", "x"),
          TypeError,
          "give the transaction itself",
        );
      }
      await console.sql.begin(async (tx) => {
        for (const data of [undefined, null, 5, {}, [1], new ArrayBuffer(3)]) {
          await assertRejects(
            () => adapter.publishIn(tx, "news", data as never),
            TypeError,
            "a text or a Uint8Array",
          );
        }
        for (const channel of [undefined, null, 5]) {
          await assertRejects(
            () => adapter.publishIn(tx, channel as never, "x"),
            TypeError,
            "must be a text",
          );
        }
        await tx.savepoint(async (inner) => {
          await adapter.publishIn(inner, "news", "taken back");
          throw new Error("taken back");
        }).catch(() => {});
        await tx.savepoint((inner) => adapter.publishIn(inner, "news", "kept"));
      });
      const reserved = await console.sql.reserve();
      await reserved`BEGIN`;
      await adapter.publishIn(reserved, "news", "reserved");
      await reserved`COMMIT`;
      reserved.release();
      await waitFor(() => b.received.length === 2);
      assertEquals([b.on("news"), b.errors], [["kept", "reserved"], []]);
    } finally {
      await pool.end();
      await bun?.close({ timeout: 0 });
    }
  },
  TIMEOUT,
);

test("postgres: the statement timeout of a role does not limit the statements of the adapter", async () => {
  await using console = openConsole(URL);
  const role = `hasty_${crypto.randomUUID().replaceAll("-", "")}`;
  await console.sql.unsafe(`CREATE ROLE ${role} LOGIN`);
  try {
    for (const limit of ["statement_timeout", "lock_timeout"]) {
      await console.sql.unsafe(`ALTER ROLE ${role} SET ${limit} = '10s'`);
    }
    await using session = openConsole(URL.replace("postgres@", `${role}@`));
    const limits = async () => {
      const [row] = await session
        .sql`SELECT current_setting('statement_timeout') AS a, current_setting('lock_timeout') AS b`;
      return [row!.a, row!.b];
    };
    assertEquals(await limits(), ["10s", "10s"]);
    await prepareSession((statement, parameters) => session.sql.unsafe(statement, [...parameters]));
    assertEquals(await limits(), ["0", "0"]);
  } finally {
    await console.sql.unsafe(`DROP ROLE ${role}`);
  }
}, TIMEOUT);

test("postgres: a message that is too large for a transaction, or comes before the adapter is open, is refused", async () => {
  await using console = openConsole(URL);
  const options = { url: URL, prefix: "p", maxMessageBytes: 100 };
  await using never = createPostgresAdapter(options);
  await assertRejects(() => never.publishIn(console.sql, "news", "x"), Error, "was not open yet");
  await using a = await openNode(options);
  const error = await assertRejects(() =>
    (a.adapter as PostgresAdapter).publishIn(console.sql, "n", "é".repeat(51))
  );
  assertEquals((error as { code?: string }).code, "TOO_LARGE");
});
