import { assert, assertEquals } from "@std/assert";
import { createPostgresAdapter } from "@trunkline/hub/adapters/postgres";
import process from "node:process";
import { test } from "../../harness.ts";
import { createNode } from "../../hub/chat.ts";
import { rejection } from "../../hub/wires.ts";
import { openConsole } from "./scene.ts";

const url = process.env.POSTGRES_URL!;
const TIMEOUT = { timeoutMs: 60_000 };
const start = () =>
  createNode(undefined, { adapter: createPostgresAdapter({ url, prefix: crypto.randomUUID() }) });

test(
  "outbox: whatever settings the session of a transaction has, the message stays in the same epoch",
  async () => {
    await using node = await start();
    await using console = openConsole(url);
    const before = await node.hub.publish("log/x", { n: 1 });
    const settings = [
      "TimeZone = 'Asia/Kathmandu'",
      "DateStyle = 'German'",
      "IntervalStyle = 'sql_standard'",
      "extra_float_digits = -10",
      "standard_conforming_strings = off",
      "bytea_output = 'escape'",
      "search_path = pg_catalog",
    ];
    const positions: unknown[] = [];
    for (const setting of settings) {
      await console.sql.begin(async (tx) => {
        await tx.unsafe(`SET LOCAL ${setting}`);
        positions.push(await node.hub.publish("log/x", { n: 1 }, { tx }));
      });
    }
    assertEquals(positions, settings.map((_, i) => ({ epoch: before.epoch, offset: i + 2 })));
    assertEquals((await node.hub.history("log/x")).records.length, 8);
  },
  TIMEOUT,
);

test(
  "outbox: an object that answers differently from a client of PostgreSQL is not a transaction",
  async () => {
    await using node = await start();
    const answers = [undefined, null, 7, [], [{}], [{ position: "x" }], { rows: [] }, { rows: null }, {
      rows: [null],
    }];
    for (const answer of answers) {
      for (
        const tx of [{ unsafe: () => Promise.resolve(answer) }, { query: () => Promise.resolve(answer) }]
      ) {
        const error = await rejection(node.hub.publish("log/x", { n: 1 }, { tx }));
        assert(error instanceof TypeError && /does not answer/.test(error.message), String(error));
      }
    }
  },
  TIMEOUT,
);
