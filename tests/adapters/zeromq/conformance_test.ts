import { createZeroMqAdapter, createZeroMqProxy, type ZeroMqProxy } from "@trunkline/hub/adapters/zeromq";
import {
  adapterConformance,
  type AdapterSetup,
  type BackplaneFaults,
  type ConformanceCase,
} from "../../../conformance/mod.ts";
import { freePort } from "../../../tools/brokers/ports.ts";
import { type Proxy, startProxy } from "../../../tools/brokers/proxy.ts";
import { runtime, test } from "../../harness.ts";
import { publishForeign, sendForeign } from "./foreign.ts";
import { MeshScene, onDeno, PROBES } from "./scene.ts";

/** Registers the cases of a suite. */
function register(
  what: string,
  cases: readonly ConformanceCase[],
  run: (body: () => Promise<void>) => Promise<void>,
): void {
  const registerOne = onDeno(what);
  for (const { name, skip, run: body } of cases) {
    if (!skip) registerOne(`${what}: ${name}`, () => run(body));
    else if (runtime === "deno") test.skip(`${what}: ${name}`, skip);
  }
}

let mesh = new MeshScene();

register(
  "zeromq, a mesh",
  adapterConformance({
    create: ({ prefix }) => mesh.create({ prefix }),
    waitMs: 15_000,
    async injectForeign({ prefix, channel }) {
      await sendForeign(await mesh.addressesOf(prefix), prefix, channel);
    },
  }),
  async (run) => {
    mesh = new MeshScene();
    await run();
  },
);

/** A proxy of a case's own, and what can be done to it. */
interface Backplane {
  readonly front: string;
  readonly back: string;
  readonly faults: BackplaneFaults;
}

let backplane: Backplane;

/** Nodes reach it over connections that can be blackholed. */
async function onBackplane(run: () => Promise<void>): Promise<void> {
  const ports = [await freePort(), await freePort()];
  const [front, back] = ports.map((port) => `tcp://127.0.0.1:${port}`);
  let proxy: ZeroMqProxy | undefined = await createZeroMqProxy({ front: front!, back: back! });
  await using frontLine: Proxy = await startProxy(ports[0]!);
  await using backLine: Proxy = await startProxy(ports[1]!);
  const lines = [frontLine, backLine];
  backplane = {
    front: `tcp://127.0.0.1:${frontLine.port}`,
    back: `tcp://127.0.0.1:${backLine.port}`,
    faults: {
      async stop() {
        await proxy?.close();
        proxy = undefined;
        for (const line of lines) line.cut();
      },
      async start() {
        for (const line of lines) line.heal();
        proxy ??= await createZeroMqProxy({ front: front!, back: back! });
      },
      blackhole: () => lines.forEach((line) => line.blackhole()),
    },
  };
  try {
    await run();
  } finally {
    await proxy?.close();
  }
}

const OVER_PROXY: AdapterSetup = {
  create({ prefix }) {
    const { front, back } = backplane;
    return createZeroMqAdapter({
      proxy: { front, back },
      prefix,
      ...PROBES,
      probeIntervalMs: 300,
      probeTimeoutMs: 1_000,
    });
  },
  faults: {
    stop: () => backplane.faults.stop(),
    start: () => backplane.faults.start(),
    blackhole: () => backplane.faults.blackhole!(),
    noticeMs: 15_000,
  },
  waitMs: 15_000,
  async injectForeign({ prefix, channel }) {
    await publishForeign(backplane.front, prefix, channel);
  },
};

register("zeromq, over a proxy", adapterConformance(OVER_PROXY), onBackplane);
