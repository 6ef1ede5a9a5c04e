/** The adapter of a node in a process of its own: loads no other. */
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import type { Place } from "./doomed_node.ts";

/** Makes the adapter. */
export async function connect({ adapter, url, prefix }: Place): Promise<Adapter> {
  switch (adapter) {
    case "redis":
      return (await import("@trunkline/hub/adapters/redis")).createRedisAdapter({ url, prefix });
    case "redis-cluster":
      return (await import("@trunkline/hub/adapters/redis-cluster")).createRedisClusterAdapter({
        nodes: url,
        prefix,
      });
    case "nats":
      return (await import("@trunkline/hub/adapters/nats")).createNatsAdapter({ servers: url, prefix });
    case "rabbitmq":
      return (await import("@trunkline/hub/adapters/rabbitmq")).createRabbitMqAdapter({ url, prefix });
    case "postgres":
      return (await import("@trunkline/hub/adapters/postgres")).createPostgresAdapter({ url, prefix });
    case "zeromq":
      return (await import("../adapters/zeromq/ipc.ts")).createIpcAdapter(url, prefix);
    default:
      throw new TypeError(`Cannot start a node over "${adapter}"`);
  }
}
