import { assert } from "@std/assert";
import { adapterConformance } from "@trunkline/hub/conformance";
import { readFile } from "node:fs/promises";
import { createRelayAdapter } from "../../examples/own-adapter/relay_adapter.ts";
import { type Proxy, startProxy } from "../../tools/brokers/proxy.ts";
import { runtime, test } from "../harness.ts";

// The one that is not of this runtime names what this one does not have.
const { serveRelay } = runtime === "deno"
  ? await import("../../examples/own-adapter/relay_deno.ts")
  : await import("../../examples/own-adapter/relay_bun.ts");

type RunningRelay = ReturnType<typeof serveRelay>;

/** The servers of the running case. */
let scene: { relay: RunningRelay | undefined; readonly port: number; readonly proxy: Proxy };

async function inject(prefix: string): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${scene.port}/${encodeURIComponent(prefix)}`);
  await new Promise((resolve) => socket.onmessage = resolve);
  for (const text of ["", "hello", "[]", "null", '["news"]', '["news","TL1t99:x"]', '[1,{"a":1}]']) {
    socket.send(text);
  }
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
}

const cases = adapterConformance({
  create: ({ prefix }) => createRelayAdapter({ url: `ws://127.0.0.1:${scene.proxy.port}`, prefix }),
  faults: {
    async stop() {
      await scene.relay?.stop();
      scene.relay = undefined;
    },
    start() {
      scene.proxy.heal();
      scene.relay ??= serveRelay(scene.port);
    },
    blackhole: () => scene.proxy.blackhole(),
    noticeMs: 10_000,
  },
  injectForeign: ({ prefix }) => inject(prefix),
});

for (const { name, skip, run } of cases) {
  if (skip) {
    test.skip(`own-adapter: ${name}`, skip);
    continue;
  }
  test(`own-adapter: ${name}`, async () => {
    const relay = serveRelay(0);
    await using proxy = await startProxy(relay.port);
    scene = { relay, port: relay.port, proxy };
    try {
      await run();
    } finally {
      await scene.relay?.stop();
    }
  });
}

test("own-adapter: it has less than 100 lines of code", async () => {
  const source = await readFile(
    new URL("../../examples/own-adapter/relay_adapter.ts", import.meta.url),
    "utf8",
  );
  const lines = source.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("//"));
  assert(lines.length < 100, `${lines.length} lines`);
});
