// One node: a hub in its own process. Nodes that use the same broker form a cluster.
// Run: PORT=8001 deno run --allow-all examples/cluster/node.ts
//  or: PORT=8001 bun examples/cluster/node.ts
import { createHub } from "@trunkline/hub";
import { Hono } from "hono";
import process, { env } from "node:process";
import { ADAPTERS } from "./adapters.ts";
import { chat } from "./contract.ts";

const { NODE_NAME: node = "node 1", ADAPTER = "redis", PREFIX = "cluster", DRAIN_MS = "1000" } = env;
const createAdapter = ADAPTERS[ADAPTER];
if (!createAdapter) {
  throw new TypeError(`Cannot use ADAPTER=${ADAPTER}: name one of ${Object.keys(ADAPTERS)}`);
}

const hub = createHub(chat, {
  adapter: createAdapter(PREFIX),
  // Accepts every client under the name that it gives. An application would check a token here.
  authenticate: ({ role, token }) => ({ role, user: { id: token ?? "somebody" } }),
  // This runs before the client's connection is open, so the client gets every message from then on, from any node.
  async onConnection(conn) {
    await hub.room("lobby").add(conn);
    conn.emit("welcome", { node });
  },
  onError(error, { stage }) {
    // While the broker is away, each message to other nodes fails. The outage itself is printed once, below.
    if (stage !== "publish") console.error(`${stage}: ${messageOf(error)}`);
  },
  // Shorter than the defaults, so that you soon see the end of a killed node.
  cluster: { heartbeatMs: 500, nodeTimeoutMs: 2_000 },
});

hub.implement({
  member: {
    say: ({ text }, { conn }) => hub.room("lobby").broadcast("said", { name: conn.user.id, node, text }),
  },
});

const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error);
const upNodes = () => hub.cluster.nodes().filter(({ state }) => state !== "down").length;
hub.cluster.on("join", () => console.log(`a node has joined: ${upNodes()} now`));
hub.cluster.on("leave", ({ reason }) => console.log(`a node has left (${reason}): ${upNodes()} now`));
hub.cluster.on("backplane", (status) =>
  console.log(
    status === "up"
      ? `${ADAPTER} is reachable`
      : `${ADAPTER} is away: clients of this node reach only each other`,
  ));
// The hub goes on trying. Until it succeeds, the health page tells the proxy that this node is not ready.
hub.ready.catch((error) => console.error(messageOf(error)));

/** Sends the clients to other nodes, says goodbye to these nodes, and ends. */
async function stop(): Promise<void> {
  await hub.close({ drainMs: Number(DRAIN_MS) });
  process.exit();
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);

const app = new Hono();
app.route("/realtime", hub.routes); // and with it /realtime/health/live and /realtime/health/ready

const where = { hostname: env.HOST ?? "127.0.0.1", port: Number(env.PORT ?? 8001) };
const { Bun } = globalThis as { Bun?: { serve(options: unknown): unknown } };
if (Bun) Bun.serve({ ...where, fetch: app.fetch, websocket: hub.websocket });
// Not `deno serve`: on a signal it would close the connections before the clients are sent to other nodes.
else Deno.serve({ ...where, onListen() {} }, app.fetch);
