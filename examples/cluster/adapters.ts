// The one line that differs between brokers. An adapter must reach other processes here, so memory and BroadcastChannel
// cannot be used.
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createLibp2pAdapter } from "@trunkline/hub/adapters/libp2p";
import { createNatsAdapter } from "@trunkline/hub/adapters/nats";
import { createNodeClusterAdapter } from "@trunkline/hub/adapters/node-cluster";
import { createPostgresAdapter } from "@trunkline/hub/adapters/postgres";
import { createRabbitMqAdapter } from "@trunkline/hub/adapters/rabbitmq";
import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { createRedisClusterAdapter } from "@trunkline/hub/adapters/redis-cluster";
import { createZeroMqAdapter } from "@trunkline/hub/adapters/zeromq";
import process, { env } from "node:process";

export const ADAPTERS: Readonly<Record<string, (prefix: string) => Adapter>> = {
  "redis": (prefix) => createRedisAdapter({ url: env.REDIS_URL ?? "redis://127.0.0.1:6379", prefix }),
  "redis-cluster": (prefix) =>
    createRedisClusterAdapter({ nodes: env.REDIS_CLUSTER_URL ?? "redis://127.0.0.1:7000", prefix }),
  "libp2p": (prefix) =>
    createLibp2pAdapter({
      prefix,
      allow: "anybody", // only on this machine, or in a private network of containers
      ...env.LIBP2P_DNS
        ? {
          listen: ["/ip4/0.0.0.0/tcp/4001"],
          discovery: { dns: { hostname: env.LIBP2P_DNS, port: 4001 } },
        }
        : { listen: ["/ip4/127.0.0.1/tcp/0"], discovery: { relays: [env.LIBP2P_RELAY!] } },
    }),
  "nats": (prefix) => createNatsAdapter({ servers: env.NATS_URL ?? "nats://127.0.0.1:4222", prefix }),
  "node-cluster": (prefix) => createNodeClusterAdapter({ channel: process, prefix }),
  "postgres": (prefix) =>
    createPostgresAdapter({ url: env.POSTGRES_URL ?? "postgres://127.0.0.1:5432/postgres", prefix }),
  "rabbitmq": (prefix) => createRabbitMqAdapter({ url: env.RABBITMQ_URL ?? "amqp://127.0.0.1:5672", prefix }),
  "zeromq": (prefix) => {
    const { ZEROMQ_BIND: bind, ZEROMQ_ADVERTISE: advertise, ZEROMQ_PEERS: peers } = env;
    const { ZEROMQ_PUBLIC_KEY: publicKey, ZEROMQ_SECRET_KEY: secretKey } = env;
    // If only one of them is set, the adapter refuses it.
    const curve = publicKey || secretKey ? { publicKey: publicKey!, secretKey: secretKey! } : "none";
    if (bind) return createZeroMqAdapter({ bind, advertise, peers: peers?.split(","), curve, prefix });
    const [front, back] = (env.ZEROMQ_PROXY ?? "tcp://127.0.0.1:5550,tcp://127.0.0.1:5551").split(",");
    return createZeroMqAdapter({ proxy: { front: front!, back: back! }, curve, prefix });
  },
};
