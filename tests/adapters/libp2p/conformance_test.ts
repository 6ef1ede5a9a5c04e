import { createLibp2pAdapter } from "../../../adapters/libp2p/mod.ts";
import { adapterConformance, type AdapterSetup } from "../../../conformance/mod.ts";
import { multiaddr } from "@multiformats/multiaddr";
import { test, waitFor } from "../../harness.ts";
import { Network, PROBES, startBareNode, topicOf } from "./scene.ts";

/** The network of one case. Every case gets its own, and leaves none. */
let current: Network | undefined;

function network(): Network {
  if (!current) throw new TypeError("Cannot use the network between cases");
  return current;
}

async function onNetwork(run: () => Promise<void>): Promise<void> {
  await using network = await Network.create();
  current = network;
  try {
    await run();
  } finally {
    current = undefined;
  }
}

const SETUP: AdapterSetup = {
  async create({ prefix }) {
    const { options } = await network().place();
    return createLibp2pAdapter({
      prefix,
      allow: "anybody",
      discovery: { relays: [network().relay] },
      ...options,
      ...PROBES,
    });
  },
  faults: {
    stop: () => network().stop(),
    start: () => network().heal(),
    blackhole: () => network().blackhole(),
    noticeMs: 15_000,
  },
  waitMs: 20_000,
  async createWithClient({ prefix }) {
    const { node, pubsub, [Symbol.asyncDispose]: end } = await startBareNode();
    const discovery = { relays: [network().relay] };
    return {
      adapter: createLibp2pAdapter({ prefix, allow: "anybody", node, discovery, ...PROBES }),
      useClient: async () => void await pubsub.publish("of the user", new Uint8Array([1])),
      endClient: async () => await end(),
    };
  },
  async injectForeign({ prefix, channel }) {
    const stranger = await network().stranger();
    const topic = await topicOf(prefix, channel);
    for (const address of network().addresses) await stranger.node.dial(multiaddr(address));
    await waitFor(() => stranger.pubsub.getSubscribers(topic).length === 3, { what: "the nodes" });
    const bytes = (text: string) => new TextEncoder().encode(text);
    const foreign = ["", "hello", "TLF1", `TLF1${"\0".repeat(25)}`, "TLF2", "TL1t1:ax"].map(bytes);
    for (const data of [...foreign, new Uint8Array(100).fill(255)]) {
      await stranger.pubsub.publish(topic, data);
    }
    await waitFor(() => stranger.node.getConnections().every(({ streams }) => streams.every(isWritten)));
  },
};

const isWritten = ({ writeBufferLength }: { writeBufferLength: number }) => writeBufferLength === 0;

for (const { name, skip, run } of adapterConformance(SETUP)) {
  if (skip) test.skip(`libp2p: ${name}`, skip);
  else test(`libp2p: ${name}`, () => onNetwork(run), { timeoutMs: 120_000 });
}
