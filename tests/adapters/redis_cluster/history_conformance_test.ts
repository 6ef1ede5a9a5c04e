import process from "node:process";
import { createRedisClusterAdapter, createRedisClusterHistory } from "../../../adapters/redis_cluster/mod.ts";
import { historyStoreConformance } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { OpenAdapters, testStores } from "../redis/store_suites.ts";
import { TIMES } from "./scene.ts";

/** The cluster that all tests share; no test breaks it or removes its data. */
const url = process.env.REDIS_CLUSTER_URL;

const opened = new OpenAdapters();
const cases = historyStoreConformance({
  create: async ({ prefix }) =>
    (await opened.open(createRedisClusterAdapter({ nodes: url, prefix, ...TIMES }))).history!,
  waitMs: 30_000,
});
const alone = historyStoreConformance({
  create: ({ prefix }) => createRedisClusterHistory({ nodes: url, prefix, ...TIMES }),
  waitMs: 30_000,
});
if (url) {
  testStores("history store, in Redis Cluster", cases, opened);
  testStores("history store, in Redis Cluster, beside another adapter", alone);
} else test.skip("history store, in Redis Cluster", "REDIS_CLUSTER_URL names no cluster");
