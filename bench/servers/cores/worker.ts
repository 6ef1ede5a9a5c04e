/**
 * One of the processes: a hub whose handler computes something, so that the server is the bottleneck.
 *
 * @module
 */

import { createHub } from "@trunkline/hub";
import { createNodeClusterAdapter } from "@trunkline/hub/adapters/node-cluster";
import { Hono } from "hono";
import process from "node:process";
import { contract } from "../../contract.ts";

/** The work of a handler, in rounds of a hash: some tenths of a millisecond. */
const ROUNDS = 200_000;

/** Computes FNV-1a repeatedly. */
function compute(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < ROUNDS; i++) hash = Math.imul(hash ^ text.charCodeAt(i % text.length), 0x01000193);
  return hash === 0 ? "" : text;
}

const hub = createHub(contract, {
  adapter: createNodeClusterAdapter({ prefix: "bench" }),
  authenticate: ({ role }) => ({ role }),
  limits: { messagesPerSecond: 1e9, messageBurst: 1e9 },
});
hub.implement({
  member: {
    join: ({ room }, { conn }) => hub.room(room).add(conn),
    say: ({ room, text }) => hub.room(room).broadcast("message", { text }),
    tell: ({ room, text }) => hub.room(room).broadcast("message", { text }),
    publish: ({ id, text }) => void hub.forRole("member").publish(`line/${id}`, { text }),
    echo: ({ text }) => ({ text: compute(text) }),
  },
});
await hub.ready;

const app = new Hono();
app.route("/realtime", hub.routes);
app.get("/stats", (context) => {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return context.json({ rss, heapUsed, cpuMs: (user + system) / 1_000 });
});

const where = { hostname: "127.0.0.1", port: Number(process.env.PORT), reusePort: true };
const { Bun } = globalThis as { Bun?: { serve(options: object): unknown } };
if (Bun) Bun.serve({ ...where, fetch: app.fetch, websocket: hub.websocket });
else Deno.serve({ ...where, onListen() {} }, app.fetch);
process.send!("serving");
// End with the primary: no other process would end this one.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 200);
