/**
 * Two hubs on one bus behind real WebSocket servers, for clients that come and go.
 *
 * @module
 */

import {
  type Client,
  createClient,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  type Hub,
  type MemoryBus,
} from "@trunkline/hub";
import { z } from "zod";
import { waitFor } from "../harness.ts";
import { serve } from "../serve.ts";

const Numbered = z.object({ from: z.string(), n: z.number() });
const Room = z.object({ room: z.string() });

export const contract = defineContract({
  shared: {
    topics: {
      "news/:id": { payload: Numbered },
      "latest/:id": { payload: Numbered, conflate: true },
      "log/:id": { payload: Numbered, history: { size: 16, ttlMs: 200 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        join: { input: Room, output: z.void() },
        leave: { input: Room, output: z.void() },
        say: { input: Room.extend({ text: z.string() }), output: z.object({ n: z.number() }) },
        never: { input: z.object({}), output: z.void() },
        shout: { payload: Room },
      },
      serverToClient: {
        said: { payload: Numbered.extend({ room: z.string() }) },
        add: { input: z.array(z.number()), output: z.number() },
      },
    },
  },
});

type Definition = (typeof contract)["definition"];
export type ChurnClient = Client<Definition, "member">;
export type ChurnHub = Hub<Definition, { id: string } | undefined, undefined>;

/** A hub and where it is served. */
export interface ChurnNode {
  readonly hub: ChurnHub;
  readonly port: number;
  readonly url: string;
  /** Its connections, by id, as `onConnection` and `onDisconnect` told of them. */
  readonly connections: ReadonlyMap<string, { close(options: { code: number; reason: string }): void }>;
  /** The number of the node's next message. */
  next(): number;
}

/** The result of a churn so far. */
export class Figures {
  connections = 0;
  severed = 0;
  reconnects = 0;
  requests = 0;
  published = 0;
  delivered = 0;

  toString(): string {
    return Object.entries(this).map(([name, n]) => `${n} ${name}`).join(", ");
  }
}

/** Starts the hubs. */
export async function startCluster(
  count: number,
  report: (error: unknown) => void,
): Promise<{ readonly nodes: readonly ChurnNode[] } & AsyncDisposable> {
  const bus = createMemoryBus();
  const started = await Promise.all(Array.from({ length: count }, () => startNode(bus, report)));
  for (const { node } of started) {
    await waitFor(() => node.hub.cluster.nodes().length === count, { what: "the nodes to know each other" });
  }
  return {
    nodes: started.map(({ node }) => node),
    async [Symbol.asyncDispose]() {
      for (const { close } of started) await close();
    },
  };
}

async function startNode(
  bus: MemoryBus,
  report: (error: unknown) => void,
): Promise<{ node: ChurnNode; close(): Promise<void> }> {
  const connections = new Map<string, { close(options: { code: number; reason: string }): void }>();
  let lastN = 0;
  const next = () => ++lastN;
  const hub: ChurnHub = createHub(contract, {
    authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
    onConnection: (conn) => void connections.set(conn.id, conn),
    onDisconnect: (conn) => void connections.delete(conn.id),
    adapter: createMemoryAdapter({ bus }),
    history: "per-node",
    // Some of the clients say what is not of the protocol, on purpose.
    onError: (error, { stage }) => stage === "refused" || report(error),
    limits: { messagesPerSecond: Infinity },
  });
  const tell = (room: string) => {
    const n = next();
    hub.room(room).broadcast("said", { room, from: hub.nodeId, n });
    return { n };
  };
  hub.implement({
    member: {
      join: ({ room }, { conn }) => hub.room(room).add(conn),
      leave: ({ room }, { conn }) => hub.room(room).remove(conn),
      say: ({ room }) => tell(room),
      never: (_, { signal }) =>
        new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason))),
      shout: ({ room }) => void tell(room),
    },
  });
  await hub.ready;
  const { port, close } = serve({
    fetch: (request, platform) => hub.routes.fetch(request, platform as never),
    websocket: hub.websocket,
  });
  return {
    node: { hub, port, url: `ws://127.0.0.1:${port}/`, connections, next },
    async close() {
      await hub.close();
      await close();
    },
  };
}

/** A client of a node that knows all of them, and reconnects at once. */
export function createChurnClient(
  nodes: readonly ChurnNode[],
  token: string,
  report: (error: unknown) => void,
): ChurnClient {
  const client = createClient(contract, {
    url: nodes.map(({ url }) => url),
    role: "member",
    token,
    reconnect: { baseMs: 1, maxMs: 20 },
    onError: report,
  });
  client.implement({ add: (numbers) => numbers.reduce((a, b) => a + b, 0) });
  return client;
}
