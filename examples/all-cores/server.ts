// One of the processes: a normal hub.
import { createHub } from "@trunkline/hub";
import { createNodeClusterAdapter } from "@trunkline/hub/adapters/node-cluster";
import { Hono } from "hono";
import process, { pid } from "node:process";
import { chat } from "./contract.ts";

const hub = createHub(chat, {
  adapter: createNodeClusterAdapter({ prefix: "all-cores" }), // this line connects the processes
  authenticate: ({ role }) => ({ role }),
  async onConnection(conn) {
    await hub.room("lobby").add(conn);
    conn.emit("welcome", { pid });
  },
});

hub.implement({
  member: {
    say: ({ text }) => hub.room("lobby").broadcast("said", { pid, text }),
    echo: ({ n }) => ({ n }),
  },
});

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await hub.close({ drainMs: Number(process.env.DRAIN_MS ?? 1_000) });
  process.exit();
}
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
// End with the process that started this one: otherwise this process would keep the port, and no other process would hear
// it. The event "disconnect" says so too, but on Deno not always.
const parent = process.ppid;
setInterval(() => process.ppid === parent || stop(), 1_000);

await hub.ready;

const app = new Hono();
app.route("/realtime", hub.routes);

// The system spreads new connections over all processes that listen with reusePort. On Deno this needs --unstable-net.
const where = { hostname: "127.0.0.1", port: Number(process.env.PORT), reusePort: true };
const { Bun } = globalThis as { Bun?: { serve(options: unknown): unknown } };
if (Bun) Bun.serve({ ...where, fetch: app.fetch, websocket: hub.websocket });
else Deno.serve({ ...where, onListen() {} }, app.fetch);
console.log(`process ${pid} serves ws://127.0.0.1:${where.port}/realtime`);
