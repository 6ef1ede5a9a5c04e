/**
 * A node in a process or a worker of its own, with a client; it answers no bus request and is killed in the midst of one. It does not
 * use the harness, which works in tests alone.
 */
import process from "node:process";
import { createClient, createHub } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createBroadcastChannelAdapter } from "@trunkline/hub/adapters/broadcast-channel";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { chat } from "../hub/chat.ts";

/** Where the node belongs. */
export interface Place {
  readonly adapter: string;
  /** The address of the broker. */
  readonly url: string;
  readonly prefix: string;
}

/** Who a node is that is ready, and its client. */
export interface Ready {
  readonly nodeId: string;
  readonly connection: string;
}

/** What the node says. */
export type Word = Ready | { readonly asked: "bus" | "client" };

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
    case "broadcast-channel":
      return createBroadcastChannelAdapter({ prefix });
    default:
      throw new TypeError(`Cannot start a node over "${adapter}"`);
  }
}

async function live(place: Place, say: (word: Word) => void): Promise<void> {
  const transport = createLoopbackTransport();
  const hub = createHub(chat, {
    authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
    transports: [transport],
    adapter: await connect(place),
    cluster: { heartbeatMs: 500, nodeTimeoutMs: 3_000 },
  });
  hub.onServer("load", () => {
    say({ asked: "bus" });
    return new Promise<never>(() => {});
  });
  await hub.ready;
  const client = createClient(chat, {
    url: "ws://loopback",
    role: "member",
    token: "cid",
    transport: transport.client(),
  });
  client.implement({
    confirm: () => {
      say({ asked: "client" });
      return new Promise(() => {});
    },
  });
  await client.ready;
  say({ nodeId: hub.nodeId, connection: client.connectionId! });
}

const [, , place] = process.argv;
if (place) {
  await live(JSON.parse(place), (word) => console.log(JSON.stringify(word)));
} else {
  const scope = globalThis as unknown as {
    postMessage(word: Word): void;
    onmessage: (event: MessageEvent<Place>) => void;
  };
  scope.onmessage = ({ data }) => void live(data, (word) => scope.postMessage(word));
}
