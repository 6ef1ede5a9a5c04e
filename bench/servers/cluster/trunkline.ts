/**
 * Trunkline: a node of a cluster, validation on.
 *
 * @module
 */

import type { Adapter, AdapterContext } from "@trunkline/hub/adapters/adapter";
import { Hono } from "hono";
import process from "node:process";
import { createMeasuredHub } from "../../hub.ts";
import { serve } from "../serve.ts";
import { arrived, count, order } from "./order.mjs";

/** Each adapter is loaded where it is used, so that none takes memory of the others' rows. */
async function createAdapter(): Promise<Adapter> {
  const { adapter, url, prefix } = order;
  if (adapter === "redis") {
    return (await import("@trunkline/hub/adapters/redis")).createRedisAdapter({ url, prefix });
  }
  if (adapter === "redis-cluster") {
    const { createRedisClusterAdapter } = await import("@trunkline/hub/adapters/redis-cluster");
    return createRedisClusterAdapter({ nodes: url, prefix });
  }
  if (adapter === "nats") {
    return (await import("@trunkline/hub/adapters/nats")).createNatsAdapter({ servers: url, prefix });
  }
  if (adapter === "rabbitmq") {
    return (await import("@trunkline/hub/adapters/rabbitmq")).createRabbitMqAdapter({ url, prefix });
  }
  if (adapter === "postgres") {
    return (await import("@trunkline/hub/adapters/postgres")).createPostgresAdapter({ url, prefix });
  }
  if (adapter === "zeromq, proxy") {
    const { createZeroMqAdapter } = await import("@trunkline/hub/adapters/zeromq");
    const [front, back] = url.split(",");
    return createZeroMqAdapter({ proxy: { front: front!, back: back! }, prefix });
  }
  if (adapter === "zeromq") {
    const { createZeroMqAdapter } = await import("@trunkline/hub/adapters/zeromq");
    // A mesh, whose nodes meet in a folder; each takes the first place there that is free.
    const { mkdir } = await import("node:fs/promises");
    const cluster = prefix.slice(-12);
    const peers = Array.from({ length: 8 }, (_, n) => `ipc://${url}/${cluster}-${n}`);
    for (const [n, bind] of peers.entries()) {
      const isFree = await mkdir(`${url}/${cluster}-${n}-taken`).then(() => true, () => false);
      if (isFree) return createZeroMqAdapter({ bind, peers, prefix });
    }
  }
  if (adapter === "node-cluster") {
    const { createNodeClusterAdapter } = await import("@trunkline/hub/adapters/node-cluster");
    return createNodeClusterAdapter({ channel: process, prefix });
  }
  if (adapter === "libp2p") {
    const { createLibp2pAdapter } = await import("@trunkline/hub/adapters/libp2p");
    const listen = ["/ip4/127.0.0.1/tcp/0"];
    return createLibp2pAdapter({ prefix, allow: "anybody", listen, discovery: { relays: [url] } });
  }
  throw new Error(`There is no adapter "${adapter}" here`);
}

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
