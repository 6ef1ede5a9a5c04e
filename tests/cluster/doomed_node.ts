/**
 * A node in a process or a worker of its own, with a client; it answers no bus request and is killed in the midst of one. It does not
 * use the harness, which works in tests alone.
 */
import { createClient, createHub } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { chat } from "../hub/chat.ts";

/** Where the node belongs. */
export interface Place {
  readonly adapter: string;
  /** The address of the broker. */
  readonly url: string;
  readonly prefix: string;
}

/** The ids of a ready node and of its client. */
export interface Ready {
  readonly nodeId: string;
  readonly connection: string;
}

/** The messages of the node. */
export type Word = Ready | { readonly asked: "bus" | "client" };

/** Lives, until it is killed. */
export async function live(adapter: Adapter, say: (word: Word) => void): Promise<void> {
  const transport = createLoopbackTransport();
  const hub = createHub(chat, {
    authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
    transports: [transport],
    adapter,
    history: "per-node",
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
