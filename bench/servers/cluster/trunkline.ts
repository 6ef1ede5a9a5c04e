/**
 * Trunkline: a node of a cluster, with validation.
 *
 * @module
 */

import type { Adapter, AdapterContext } from "@trunkline/hub/adapters/adapter";
import { Hono } from "hono";
import { createMeasuredHub } from "../../hub.ts";
import { serve } from "../serve.ts";
import { arrived, count, order } from "./order.mjs";
import { createAdapter } from "./trunkline_adapter.ts";

/** Finds the topic in the name of a channel. Channels without a topic carry the messages of nodes to each other. */
const topicOf = (channel: string): string | undefined => /line\/\d+$/.exec(channel)?.[0];

/** Makes an adapter count the messages that it gives to the hub. */
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
