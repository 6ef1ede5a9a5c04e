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

// Bun upgrades a request through its server, and then wants to know what to do with the socket.
export default {
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 8000),
  fetch: app.fetch,
  websocket: hub.websocket,
};
