// One node: a hub in a process of its own. That it speaks to the same broker as the others makes them a cluster.
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
  // Whoever gives a name is let in under it; an application would check a token here.
  authenticate: ({ role, token }) => ({ role, user: { id: token ?? "somebody" } }),
  // Before the client is told that it is in, so it misses nothing that is said from then on, on any node.
  async onConnection(conn) {
    await hub.room("lobby").add(conn);
    conn.emit("welcome", { node });
  },
  onError(error, { stage }) {
    // While the broker is away each message that leaves the node fails; that it is away is said once, below.
    if (stage !== "publish") console.error(`${stage}: ${messageOf(error)}`);
  },
  // Shorter than the defaults, since whoever tries this out waits for the end of a node that was killed.
  cluster: { heartbeatMs: 500, nodeTimeoutMs: 2_000 },
});

hub.implement({
  member: {
    say: ({ text }, { conn }) => hub.room("lobby").broadcast("said", { name: conn.user!.id, node, text }),
  },
});

const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error);
const upNodes = () => hub.cluster.nodes().filter(({ state }) => state !== "down").length;
hub.cluster.on("join", () => console.log(`another node is there: ${upNodes()} now`));
hub.cluster.on("leave", ({ reason }) => console.log(`another node is gone (${reason}): ${upNodes()} now`));
hub.cluster.on("backplane", (status) =>
  console.log(
    status === "up"
      ? `${ADAPTER} is reachable`
      : `${ADAPTER} is away: clients of this node hear each other alone`,
  ));
// The hub goes on trying; until then the proxy is told that this node is not ready.
hub.ready.catch((error) => console.error(messageOf(error)));

/** Sends the clients to other nodes, says goodbye to those, ends. */
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
// Not `deno serve`: on a signal it would cut the clients off before they are sent elsewhere.
else Deno.serve({ ...where, onListen() {} }, app.fetch);
