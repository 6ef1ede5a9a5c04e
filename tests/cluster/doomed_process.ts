/** A node that is killed, in a process of its own. */
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import process from "node:process";
import { live, type Place } from "./doomed_node.ts";

async function connect({ adapter, url, prefix }: Place): Promise<Adapter> {
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

await live(await connect(JSON.parse(process.argv[2]!)), (word) => console.log(JSON.stringify(word)));
