// A node, in its own process. The adapter keeps the history in Redis, so clients can recover on any node.
import { createHub } from "@trunkline/hub";
import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { Hono } from "hono";
import process, { pid } from "node:process";
import { prices } from "./contract.ts";
import { redis } from "./redis.ts";

const hub = createHub(prices, {
  adapter: createRedisAdapter(redis), // this line makes it a cluster
  authenticate: ({ role }) => ({ role }),
});

process.on("SIGTERM", () => hub.close().finally(() => process.exit()));
// End with the process that started this one: no other process would end it.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 1_000);

await hub.ready;

const app = new Hono();
app.route("/realtime", hub.routes);

const where = { hostname: "127.0.0.1", port: 0 };
const { Bun } = globalThis as { Bun?: { serve(options: unknown): { port: number } } };
const { port } = Bun
  ? Bun.serve({ ...where, fetch: app.fetch, websocket: hub.websocket })
  : Deno.serve({ ...where, onListen() {} }, app.fetch).addr;
console.log(`process ${pid} serves ws://127.0.0.1:${port}/realtime`);
