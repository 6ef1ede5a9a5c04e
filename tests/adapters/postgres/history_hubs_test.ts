/** Hubs over the adapter for PostgreSQL, which brings their histories along. */
import { createPostgresAdapter } from "@trunkline/hub/adapters/postgres";
import process from "node:process";
import { test } from "../../harness.ts";
import { rewindsOnTwoHubs } from "../rewinding.ts";

test(
  "postgres history: a subscription begins in the past, by number and by time, on another hub",
  async () => {
    const url = process.env.POSTGRES_URL!;
    const prefix = crypto.randomUUID();
    await rewindsOnTwoHubs(() => ({ adapter: createPostgresAdapter({ url, prefix }) }));
  },
  { timeoutMs: 60_000 },
);
