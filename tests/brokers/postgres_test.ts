import { assertEquals, assertRejects } from "@std/assert";
import postgres from "postgres";
import { startPostgres } from "../../tools/brokers/postgres.ts";
import type { Broker } from "../../tools/brokers/program.ts";
import { test, waitFor } from "../harness.ts";

async function answers({ url }: Pick<Broker, "url">): Promise<boolean> {
  const sql = postgres(url, { max: 1, fetch_types: false, connect_timeout: 1 });
  try {
    return (await sql`SELECT 1 AS one`)[0]?.one === 1;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

test("a PostgreSQL server that was killed comes back on its port", async () => {
  await using broker = await startPostgres();
  assertEquals(await answers(broker), true);
  await broker.kill();
  await assertRejects(() => answers(broker));
  await broker.start();
  assertEquals(await answers(broker), true);
});

test("a PostgreSQL server that is paused answers on no connection until it is resumed", async () => {
  await using broker = await startPostgres();
  const sql = postgres(broker.url, { max: 1, fetch_types: false });
  try {
    await sql`SELECT 1`;
    broker.pause();
    let answered = false;
    const answer = sql`SELECT 1`.then(() => answered = true);
    await waitFor(() => broker.running === false);
    assertEquals(answered, false);
    broker.resume();
    await answer;
  } finally {
    await sql.end({ timeout: 0 });
  }
});

test("a PostgreSQL server with a password refuses logins without it", async () => {
  await using broker = await startPostgres({ password: "secret" });
  await assertRejects(() => answers(broker), Error, "password");
  assertEquals(await answers({ url: broker.url.replace("@", ":secret@") }), true);
});
