import { assertEquals, assertRejects } from "@std/assert";
import { createPostgresAdapter } from "@trunkline/hub/adapters/postgres";
import pg from "pg";
import process from "node:process";
import { test } from "../../harness.ts";
import { createNode } from "../../hub/chat.ts";
import { openConsole } from "./scene.ts";

const url = process.env.POSTGRES_URL!;
const TIMEOUT = { timeoutMs: 60_000 };
const WORDS = "it has ended, or never began";

async function start() {
  const adapter = createPostgresAdapter({ url, prefix: crypto.randomUUID() });
  const { hub, [Symbol.asyncDispose]: dispose } = await createNode(undefined, { adapter });
  const kept = async () => (await hub.history("log/x")).records.map(({ payload }) => payload.n);
  return { adapter, hub, kept, [Symbol.asyncDispose]: dispose };
}

test(
  "outbox: messages that are still on their way when their transaction is rolled back leave nothing behind",
  async () => {
    await using node = await start();
    const client = new pg.Client(url);
    await client.connect();
    /** As in code that does not await the publish: the transaction ends after its first statement. */
    const hasty = () => {
      let asked = 0;
      return {
        async query(statement: string, parameters: string[]) {
          const answer = await client.query(statement, parameters);
          if (asked++ === 0) await client.query("ROLLBACK");
          return answer;
        },
      };
    };
    try {
      await client.query("BEGIN");
      await assertRejects(() => node.hub.publish("log/x", { n: 1 }, { tx: hasty() }), TypeError, WORDS);
      await client.query("BEGIN");
      await assertRejects(() => node.adapter.publishIn(hasty(), "news", "late"), TypeError, WORDS);
    } finally {
      await client.end();
    }
    assertEquals(await node.kept(), []);
  },
  TIMEOUT,
);

test("outbox: a transaction that has ended accepts nothing, although its connection would", async () => {
  await using node = await start();
  await using console = openConsole(url);
  const ended = await console.sql.begin((tx) => ({ tx }));
  await assertRejects(() => node.hub.publish("log/x", { n: 1 }, ended), TypeError, WORDS);
  await assertRejects(() => node.adapter.publishIn(ended.tx, "news", "late"), TypeError, WORDS);
  // The next one on the same connection is another one.
  await console.sql.begin(async (tx) => {
    await node.hub.publish("log/x", { n: 2 }, { tx });
    await node.adapter.publishIn(tx, "news", "in time");
  });
  assertEquals(await node.kept(), [2]);
}, TIMEOUT);

test("outbox: a client of pg without BEGIN is refused with the reason, and nothing is sent", async () => {
  await using node = await start();
  const client = new pg.Client(url);
  await client.connect();
  try {
    await assertRejects(() => node.hub.publish("log/x", { n: 1 }, { tx: client }), TypeError, WORDS);
    await assertRejects(() => node.adapter.publishIn(client, "news", "at once"), TypeError, WORDS);
    await client.query("BEGIN");
    await node.hub.publish("log/x", { n: 2 }, { tx: client });
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
  assertEquals(await node.kept(), [2]);
}, TIMEOUT);
