/**
 * Nodes behind real WebSocket servers, and the contract that the tests under load speak.
 *
 * @module
 */

import {
  createHub,
  defineContract,
  type Hub,
  type HubErrorInfo,
  type HubOptions,
  jsonCodec,
} from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { createLoopbackTransport, type LoopbackTransport } from "@trunkline/hub/transports/loopback";
import { createWebSocketTransport } from "@trunkline/hub/transports/websocket";
import { z } from "zod";
import { test, type TestOptions, waitFor } from "../harness.ts";
import { acquainted, ADAPTERS, type Backbone, type Order, orderOf } from "../hub/cluster.ts";
import { serve } from "../serve.ts";
import { LoadClient, type LoadClientOptions } from "./load_client.ts";

/** Which message this is. */
const Mark = z.object({
  /** Its publisher. */
  p: z.number(),
  /** Its number among all of that publisher. */
  n: z.number(),
  /** The channels it went to, with commas between. */
  c: z.string(),
  /** Makes it large. */
  fill: z.string().optional(),
});

export type Mark = z.infer<typeof Mark>;

export const contract = defineContract({
  shared: {
    serverToClient: { note: { payload: Mark } },
    topics: {
      "feed/:id": { payload: Mark },
      "log/:id": { payload: Mark, history: { size: 16 } },
      "latest/:id": { payload: Mark.extend({ key: z.string() }), conflate: "key" },
    },
  },
  roles: {
    member: {
      clientToServer: { ask: { input: Mark, output: Mark } },
      serverToClient: { line: { payload: Mark } },
    },
    guest: {},
  },
});

export type LoadDefinition = (typeof contract)["definition"];
export type LoadHub = Hub<LoadDefinition, { id: string } | undefined, undefined>;
export type LoadHubOptions = Partial<HubOptions<LoadDefinition, { id: string } | undefined, undefined>>;

/** The codecs that connections take turns with. */
export const CODECS = [jsonCodec, msgpackCodec] as const;

/** A node with a WebSocket server and a loopback. */
export interface LoadNode extends AsyncDisposable {
  readonly hub: LoadHub;
  readonly loopback: LoopbackTransport;
  /** The reports. */
  readonly errors: { readonly error: unknown; readonly info: HubErrorInfo }[];
  /** Called with each mark that a client asks with. The answer is the same mark. */
  asked: (mark: Mark, client: { readonly id: string }) => void;
  /** Opens a connection over TCP. */
  open(options?: LoadClientOptions): Promise<LoadClient>;
  /** Ends all connections, if there are any. */
  leave(): Promise<void>;
  /** Opens many. */
  openMany(count: number, options: (index: number) => LoadClientOptions): Promise<LoadClient[]>;
}

/** Starts a node; it is ready. Its connections are closed with it. */
export async function startNode(adapter?: Adapter, options: LoadHubOptions = {}): Promise<LoadNode> {
  const loopback = createLoopbackTransport();
  const errors: { error: unknown; info: HubErrorInfo }[] = [];
  const clients = new Set<LoadClient>();
  const hub: LoadHub = createHub(contract, {
    authenticate: ({ role, token }) => ({ role, user: token ? { id: token } : undefined }),
    transports: [createWebSocketTransport(), loopback],
    codecs: CODECS,
    adapter,
    // A store has an order of its own, of each topic; here the order of all calls is looked at.
    history: "per-node",
    onError: (error, info) => errors.push({ error, info }),
    ...options,
  });
  hub.implement({
    member: {
      ask: (mark, { conn }) => {
        node.asked(mark, conn);
        return mark;
      },
    },
  });
  await hub.ready;
  const server = serve({
    fetch: (request, platform) => hub.routes.fetch(request, platform as never),
    websocket: hub.websocket,
  });
  const open = async (options?: LoadClientOptions) => {
    const client = await LoadClient.open(server.port, options);
    clients.add(client);
    return client;
  };
  const leave = async () => {
    await Promise.all([...clients].map((client) => client.destroy()));
    clients.clear();
  };
  const node: LoadNode = {
    hub,
    loopback,
    errors,
    asked() {},
    open,
    leave,
    openMany: (count, options) => Promise.all(Array.from({ length: count }, (_, i) => open(options(i)))),
    async [Symbol.asyncDispose]() {
      await leave();
      await hub.close();
      await server.close();
    },
  };
  return node;
}

/** Waits until nothing is left on a node but histories, each of which has its channel. */
export async function empty({ hub }: LoadNode): Promise<void> {
  const left = () => {
    const { channels, histories, refused: _, ...others } = hub.stats();
    return Object.entries({ ...others, channels: channels - histories }).filter(([, count]) => count !== 0);
  };
  await waitFor(() => left().length === 0, { what: "all counts to be zero" }).catch((cause) => {
    throw new Error(`Something is left: ${JSON.stringify(left())}`, { cause });
  });
}

/** Starts nodes of one cluster, runs a test, and looks that nothing is left of it. */
export async function onCluster(
  backbone: () => Adapter | undefined,
  count: number,
  options: LoadHubOptions | ((index: number) => LoadHubOptions),
  fn: (nodes: readonly LoadNode[]) => Promise<void>,
): Promise<void> {
  const nodes: LoadNode[] = [];
  try {
    const optionsOf = typeof options === "function" ? options : () => options;
    for (let i = 0; i < count; i++) nodes.push(await startNode(backbone(), optionsOf(i)));
    await acquainted(nodes.map(({ hub }) => hub));
    await fn(nodes);
    await Promise.all(nodes.map((node) => node.leave()));
    await Promise.all(nodes.map(empty));
  } finally {
    for (const node of nodes) await node[Symbol.asyncDispose]();
  }
}

/** Registers a test for each adapter. */
export function loadTest(
  title: string,
  fn: (backbone: Backbone, order: Order) => Promise<void>,
  options: TestOptions = { timeoutMs: 60_000 },
): void {
  for (const [name, createBackbone] of Object.entries(ADAPTERS)) {
    test(`${title} [${name}]`, () => fn(createBackbone(), orderOf(name)), options);
  }
}
