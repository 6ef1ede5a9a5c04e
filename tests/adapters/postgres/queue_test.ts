import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { createHub, defineContract } from "@trunkline/hub";
import { createPostgresAdapter } from "@trunkline/hub/adapters/postgres";
import { test, waitFor } from "../../harness.ts";
import { openConsole } from "./scene.ts";

const contract = defineContract({ roles: { member: {} } });

test("postgres: /health shows the level of the notify queue, while the connections are up", async () => {
  const url = process.env.POSTGRES_URL!;
  await using adapter = createPostgresAdapter({ url, prefix: crypto.randomUUID(), probeIntervalMs: 20 });
  await using hub = createHub(contract, { authenticate: ({ role }) => ({ role }), adapter });
  await hub.ready;
  const share = async (): Promise<unknown> => {
    const { backplane } = await (await hub.routes.request("/health")).json();
    return backplane.gauges?.notifyQueue;
  };
  assert(typeof await share() === "number", "a number as soon as it is up");
  await using sleeper = openConsole(url);
  await using publisher = openConsole(url);
  const notify = async () =>
    void await publisher
      .sql`SELECT count(pg_notify('filler', i || repeat('x', 7000))) FROM generate_series(1, 50) i`;
  await sleeper.sql`LISTEN filler`;
  // A session whose transaction is open does not read.
  await sleeper.sql.unsafe("BEGIN");
  await notify();
  const held = await waitFor(async () => Number(await share()) > 0 && Number(await share()), {
    what: "a queue that is held up",
  });
  assert(held < 0.1, `${held}`);
  await sleeper.sql.unsafe("COMMIT");
  await waitFor(async () => {
    await notify(); // the server looks at its queue when something is added
    return Number(await share()) < held;
  }, { what: "a queue that is read" });
  await adapter.close();
  assertEquals([await share(), adapter.gauges!()], [undefined, {}]);
}, { timeoutMs: 60_000 });
