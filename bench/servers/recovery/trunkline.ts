/**
 * Trunkline: a single node or a node of a cluster, whose stories have a history.
 *
 * @module
 */

import { createHub, HubError } from "@trunkline/hub";
import { Hono } from "hono";
import { order } from "../cluster/order.mjs";
import { createAdapter } from "../cluster/trunkline_adapter.ts";
import { serve } from "../serve.ts";
import { contract } from "./contract.ts";
import { answerPublish } from "./publish_route.ts";
import { lookUp } from "./stories.mjs";

const adapter = order.adapter === "memory" ? undefined : await createAdapter();
if (adapter && !adapter.history) throw new Error(`The adapter "${order.adapter}" keeps no history`);

const hub = createHub(contract, {
  async authenticate({ role, token }) {
    await lookUp();
    if (!token) throw new HubError("UNAUTHENTICATED");
    return { role };
  },
  adapter,
  onError: (error, { stage }) => console.error(stage, error),
});
hub.implement({ member: { echo: (input) => input } });
await hub.ready;

const app = new Hono();
app.get("/publish", async (c) => {
  // The message has an id, so the history keeps it once, even if the client sends it several times.
  const answer = await answerPublish(
    c.req.raw,
    (story, text) => hub.publish(`story/${story}`, { text }, { id: text }),
  );
  return answer!;
});
app.route("/realtime", hub.routes);
serve({ fetch: app.fetch, websocket: hub.websocket, port: order.port, stats: () => hub.stats() });
