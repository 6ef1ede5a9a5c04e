import { createLibp2pAdapter } from "../../../adapters/libp2p/mod.ts";
import { adapterConformance, type AdapterSetup } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { Network, PROBES } from "./scene.ts";

/** What one case plays on; every case gets a network of its own, and leaves none. */
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
};

for (const { name, skip, run } of adapterConformance(SETUP)) {
  if (skip) test.skip(`libp2p: ${name}`, skip);
  else test(`libp2p: ${name}`, () => onNetwork(run), { timeoutMs: 120_000 });
}
