import { connect as connectV3 } from "@nats-io/transport-node";
import { connect as connectV2 } from "nats";
import type { Adapter } from "../../../adapters/adapter.ts";
import type { HistoryContext, HistoryStore } from "../../../adapters/history_store.ts";
import {
  createNatsAdapter,
  createNatsHistory,
  type NatsAdapterOptions,
  type NatsClient,
} from "../../../adapters/nats/mod.ts";
import { historyStoreConformance } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { startJetStream } from "./history_scene.ts";

/** The server of the case that runs. */
let url = "";
const clients: NatsClient[] = [];

async function withClient(
  connect: (options: { servers: string }) => Promise<NatsClient>,
): Promise<NatsClient> {
  const client = await connect({ servers: url });
  clients.push(client);
  return client;
}

/** The store of an adapter, which is open as long as the store is. */
function ofAdapter(options: NatsAdapterOptions): HistoryStore {
  const adapter: Adapter = createNatsAdapter({ ...options, history: true });
  const { history } = adapter;
  return Object.assign(Object.create(history!), {
    name: history!.name,
    publishes: history!.publishes,
    async open(context: HistoryContext) {
      await adapter.open({
        nodeId: context.nodeId,
        deliver() {},
        onError: (error) => context.onError(error, {}),
        onStatus() {},
        onGap() {},
      });
      await history!.open!(context);
    },
    append: history!.append.bind(history),
    read: history!.read.bind(history),
    sweep: history!.sweep!.bind(history),
    async close(nodeId: string) {
      await history!.close!(nodeId);
      await adapter.close();
    },
  });
}

const STORES: Readonly<
  Record<string, (options: { readonly prefix: string }) => HistoryStore | Promise<HistoryStore>>
> = {
  "of the adapter": ({ prefix }) => ofAdapter({ servers: url, prefix }),
  "of the adapter, on connections of nats 2": async ({ prefix }) =>
    ofAdapter({ connection: await withClient(connectV2), prefix }),
  "of the adapter, on connections of nats 3": async ({ prefix }) =>
    ofAdapter({ connection: await withClient(connectV3), prefix }),
  "alone": ({ prefix }) => createNatsHistory({ servers: url, prefix }),
  "alone, in memory": ({ prefix }) => createNatsHistory({ servers: url, prefix, storage: "memory" }),
};

for (const [what, create] of Object.entries(STORES)) {
  for (const { name, run } of historyStoreConformance({ create })) {
    test(`history in NATS JetStream, ${what}: ${name}`, async () => {
      await using server = await startJetStream();
      url = server.url;
      try {
        await run();
      } finally {
        await Promise.all(clients.splice(0).map((client) => client.close()));
      }
    }, { timeoutMs: 60_000 });
  }
}
