// Run: bun examples/hello-bun/server.ts
import { createHub } from "@trunkline/hub";
import { Hono } from "hono";
import process from "node:process";
import { clocks } from "./contract.ts";

const hub = createHub(clocks, { authenticate: ({ role }) => ({ role }) });

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => hub.close().finally(() => process.exit()));
}

setInterval(() => hub.publish("clock/utc", { time: new Date().toISOString() }), 250);

const app = new Hono();
app.route("/realtime", hub.routes);

// Bun needs two functions: `fetch` for requests, and `websocket` for the sockets after the upgrade.
export default {
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 8000),
  fetch: app.fetch,
  websocket: hub.websocket,
};
