import { createNodeClusterAdapter, type IpcChannel } from "../../../adapters/node_cluster/mod.ts";
import { adapterConformance, type AdapterSetup } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { type RelayProcess, startRelayProcess } from "../../../tools/brokers/node_cluster.ts";

let current: RelayProcess | undefined;

/** What the case that runs plays on: the nodes are here, the relay is at the other end of a pipe. */
function relay(): RelayProcess {
  if (!current) throw new TypeError("Cannot use the relay between cases");
  return current;
}

function create(prefix: string) {
  return createNodeClusterAdapter({
    prefix,
    channel: relay().child as IpcChannel,
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
      await relay().start(); // it answers
    },
    endClient: () => Promise.resolve(),
  }),
  faults: {
    stop: () => relay().stop(),
    async start() {
      relay().thaw();
      await relay().start();
    },
    blackhole: () => relay().freeze(),
    noticeMs: 10_000,
  },
  injectForeign({ prefix, channel }) {
    const { child } = relay();
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
  if (skip) {
    test.skip(`node-cluster: ${name}`, skip);
    continue;
  }
  test(`node-cluster: ${name}`, async () => {
    await using own = await startRelayProcess();
    current = own;
    try {
      await run();
    } finally {
      current = undefined;
    }
  });
}
