import process from "node:process";
import { createRedisClusterAdapter, createRedisClusterHistory } from "../../../adapters/redis_cluster/mod.ts";
import { historyStoreConformance } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { OpenHistories, testHistories } from "../redis/history_scene.ts";
import { TIMES } from "./scene.ts";

/** The cluster that is there for all; nobody breaks it, or forgets what is on it. */
const url = process.env.REDIS_CLUSTER_URL;

const opened = new OpenHistories();
const cases = historyStoreConformance({
  create: ({ prefix }) => opened.open(createRedisClusterAdapter({ nodes: url, prefix, ...TIMES })),
  waitMs: 30_000,
});
const nothing = { async [Symbol.asyncDispose]() {} };
const alone = historyStoreConformance({
  create: ({ prefix }) => createRedisClusterHistory({ nodes: url, prefix, ...TIMES }),
  waitMs: 30_000,
});
if (url) {
  testHistories("in Redis Cluster", opened, cases);
  testHistories("in Redis Cluster, beside another adapter", nothing, alone);
} else test.skip("history store, in Redis Cluster", "REDIS_CLUSTER_URL names no cluster");
