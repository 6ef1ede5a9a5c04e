import { createNodeClusterAdapter, type IpcChannel } from "../../../adapters/node_cluster/mod.ts";
import { adapterConformance, type AdapterSetup } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { startRelayProcess } from "../../../tools/brokers/node_cluster.ts";

/** The nodes are here, the relay is at the other end of a pipe. It ends with this process. */
const relay = await startRelayProcess();

function create(prefix: string) {
  return createNodeClusterAdapter({
    prefix,
    channel: relay.child as IpcChannel,
    connectTimeoutMs: 2_000,
    probeIntervalMs: 500,
    probeTimeoutMs: 1_000,
  });
}

const setup: AdapterSetup = {
  create: ({ prefix }) => create(prefix),
  createWithClient: ({ prefix }) => ({
    adapter: create(prefix),
    async useClient() {
      await relay.start(); // it answers
    },
    endClient: () => Promise.resolve(),
  }),
  faults: {
    stop: () => relay.stop(),
    async start() {
      relay.thaw();
      await relay.start();
    },
    blackhole: () => relay.freeze(),
    noticeMs: 10_000,
  },
  injectForeign({ prefix, channel }) {
    const { child } = relay;
    const session = crypto.randomUUID();
    const frames = [
      ["hello", prefix, "a node of no hub"],
      ["pub", ["", "hello", "TL1", "TL1t99999:x", "TL2t1:ax"].flatMap((data) => [`c${channel}`, data]), 0],
      ["pub", [1, 2]],
      ["nonsense"],
      ["bye"],
    ];
    for (const frame of frames) child.send(["trunkline.ipc.1", session, ...frame]);
    for (const foreign of [null, "text", 1, {}, ["trunkline.ipc.1"], ["trunkline.ipc.9", session]]) {
      if (foreign !== null) child.send(foreign);
    }
  },
};

for (const { name, skip, run } of adapterConformance(setup)) {
  if (skip) test.skip(`node-cluster: ${name}`, skip);
  else test(`node-cluster: ${name}`, run);
}
