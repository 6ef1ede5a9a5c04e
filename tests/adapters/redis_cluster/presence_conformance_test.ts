import process from "node:process";
import { createRedisClusterAdapter } from "../../../adapters/redis_cluster/mod.ts";
import { presenceStoreConformance } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { OpenAdapters, testStores } from "../redis/store_suites.ts";
import { TIMES } from "./scene.ts";

/** The cluster that all tests share; no test breaks it or removes its data. */
const url = process.env.REDIS_CLUSTER_URL;

const adapters = new OpenAdapters();
const cases = presenceStoreConformance({
  create: async ({ prefix }) =>
    (await adapters.open(createRedisClusterAdapter({ nodes: url, prefix, ...TIMES }))).presence!,
  waitMs: 30_000,
});
if (url) testStores("presence store, in Redis Cluster", cases, adapters);
else test.skip("presence store, in Redis Cluster", "REDIS_CLUSTER_URL names no cluster");
