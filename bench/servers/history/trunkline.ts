/**
 * Trunkline: a single node or a node of a cluster, with a plain topic and one with history.
 *
 * @module
 */

import { createHub } from "@trunkline/hub";
import { Hono } from "hono";
import { order } from "../cluster/order.mjs";
import { createAdapter } from "../cluster/trunkline_adapter.ts";
import { serve } from "../serve.ts";
import { contract } from "./contract.ts";

const adapter = order.adapter === "memory" ? undefined : await createAdapter();
if (adapter && !adapter.history) throw new Error(`The adapter "${order.adapter}" keeps no history`);

const hub = createHub(contract, {
  authenticate: ({ role }) => ({ role }),
  // Signals wait for the store here. The whole of the largest window may come from one client.
  limits: { messagesPerSecond: 1e9, messageBurst: 1e9, maxPendingRequests: 4_096 },
  adapter,
  onError: (error, { stage }) => console.error(stage, error),
});
hub.implement({
  member: {
    publish: ({ id, text }) => hub.publish(`line/${id}`, { text }),
    // Each call waits only for its own message, so the messages of one client are on their way to the store at the same time.
    keep: async ({ id, text }) => {
      await hub.publish(`kept/${id}`, { text });
    },
  },
});
await hub.ready;

const app = new Hono();
app.route("/realtime", hub.routes);
serve({ fetch: app.fetch, websocket: hub.websocket, stats: () => hub.stats() });
