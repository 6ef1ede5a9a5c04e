import process from "node:process";
import { createPostgresAdapter, createPostgresHistory } from "@trunkline/hub/adapters/postgres";
import { historyStoreConformance } from "@trunkline/hub/conformance";
import { runtime, test } from "../../harness.ts";
import { bunSql } from "./scene.ts";

const url = process.env.POSTGRES_URL!;
const TIMEOUT = { timeoutMs: 60_000 };

const alone = (["postgres", "pg"] as const).map((connector) => ({
  title: `by ${connector}`,
  create: ({ prefix }: { readonly prefix: string }) => createPostgresHistory({ url, prefix, connector }),
}));

/** The store that an adapter has needs no open adapter. */
const ofAdapter = {
  title: "of an adapter",
  create: ({ prefix }: { readonly prefix: string }) => createPostgresAdapter({ url, prefix }).history!,
};

const ofBun = {
  title: "by Bun's client",
  async create({ prefix }: { readonly prefix: string }) {
    const client = await bunSql(url);
    return createPostgresHistory({ client, prefix });
  },
};

for (const { title, create } of [...alone, ofAdapter, ...runtime === "bun" ? [ofBun] : []]) {
  for (const { name, run } of historyStoreConformance({ create })) {
    test(`history store, in PostgreSQL, ${title}: ${name}`, run, TIMEOUT);
  }
}
