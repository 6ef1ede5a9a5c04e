/**
 * The adapter of a node of Trunkline.
 *
 * @module
 */

import type { Adapter } from "@trunkline/hub/adapters/adapter";
import process from "node:process";
import { order } from "./order.mjs";

/** Each adapter is imported only when it is used, so that its memory does not count in the rows of others. */
export async function createAdapter(): Promise<Adapter> {
  const { adapter, url, prefix } = order;
  if (adapter === "redis") {
    return (await import("@trunkline/hub/adapters/redis")).createRedisAdapter({ url, prefix });
  }
  if (adapter === "redis-cluster") {
    const { createRedisClusterAdapter } = await import("@trunkline/hub/adapters/redis-cluster");
    return createRedisClusterAdapter({ nodes: url, prefix });
  }
  if (adapter === "nats") {
    return (await import("@trunkline/hub/adapters/nats")).createNatsAdapter({
      servers: url,
      prefix,
      ...(order.recovery && { history: true }),
    });
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
    // A mesh whose nodes find each other in a folder. Each takes the first free place there.
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
