/** Socket.IO's adapters for Redis. @module */

import { createAdapter as createRedisAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { order } from "./order.mjs";

const client = new Redis(order.url);

/** The connection for the messages of other nodes. */
export const subscriber = client.duplicate();

/** Functions that create the adapters, by name. */
export const adapters = {
  "redis-adapter": () => createRedisAdapter(client, subscriber, { key: order.prefix }),
  "redis-adapter, sharded": () => createShardedAdapter(client, subscriber, { channelPrefix: order.prefix }),
  "redis-streams-adapter": () =>
    createStreamsAdapter(client, { streamName: order.prefix, channelPrefix: order.prefix }),
};
