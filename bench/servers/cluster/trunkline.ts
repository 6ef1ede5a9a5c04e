/**
 * Trunkline: a node of a cluster, validation on.
 *
 * @module
 */

import type { Adapter, AdapterContext } from "@trunkline/hub/adapters/adapter";
import { Hono } from "hono";
import { createMeasuredHub } from "../../hub.ts";
import { serve } from "../serve.ts";
import { arrived, count, order } from "./order.mjs";
import { createAdapter } from "./trunkline_adapter.ts";

/** The topic in the name of its channel; what is no topic's is what nodes say among themselves. */
const topicOf = (channel: string): string | undefined => /line\/\d+$/.exec(channel)?.[0];

/** Has an adapter count what it hands over. */
function counting(adapter: Adapter): Adapter {
  const open = adapter.open.bind(adapter);
  adapter.open = ({ deliver, ...context }: AdapterContext) =>
    open({
      ...context,
      deliver(channel, data, from) {
        const topic = topicOf(channel);
        if (topic !== undefined) count(topic);
        deliver(channel, data, from);
      },
    });
  return adapter;
}

const adapter = await createAdapter();
const hub = createMeasuredHub({
  adapter: order.count ? counting(adapter) : adapter,
  onError: (error, { stage }) => console.error(stage, error),
});
await hub.ready;

const app = new Hono();
app.route("/realtime", hub.routes);
serve({
  fetch: app.fetch,
  websocket: hub.websocket,
  stats: () => order.count ? arrived : hub.stats(),
});
