/**
 * `deno task demo`: a cluster of hubs on this machine, and a page to use it.
 *
 * @module
 */

import process from "node:process";
import type { Broker } from "../cluster/broker.ts";
import { Processes } from "../cluster/processes.ts";
import { ADAPTERS } from "./adapters.ts";
import { bundle } from "./bundle.ts";
import { listen } from "./node/listen.ts";
import { type DemoOptions, HELP, readOptions, UsageError } from "./options.ts";
import { createPageServer, originsOf } from "./page_server.ts";
import { Supervisor } from "./supervisor.ts";

// Not `Deno.exit`: it does not end the other processes.
const exit = () => process.exit(130);

/** The module that finds brokers. It is not a literal import, so Deno fetches its packages only if a broker is needed. */
const BROKERS = "../cluster/broker.ts";

/** Finds or starts the broker of an adapter, if it needs one. */
async function brokerOf(adapter: string, processes: Processes): Promise<Broker | undefined> {
  if (ADAPTERS[adapter]!.brokerless) return undefined;
  const { provideBroker }: typeof import("../cluster/broker.ts") = await import(BROKERS);
  return await provideBroker(adapter, processes);
}

/** Runs the demo until a signal ends it. */
async function run({ adapter, nodes, port }: DemoOptions): Promise<void> {
  const ending = Promise.withResolvers<void>();
  // The last one is that of a closed terminal. A broker of the demo would not notice that.
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, ending.resolve);

  const [script, codeScript, style] = await bundle(
    new URL("./page/main.ts", import.meta.url),
    new URL("./page/code.ts", import.meta.url),
    new URL("./page/main.css", import.meta.url),
  );
  // The nodes must know the page's origin, and the page must know the nodes. So the server listens before it can answer.
  const app = Promise.withResolvers<Awaited<ReturnType<typeof createPageServer>>>();
  const server = await listen(async (request) => (await app.promise).fetch(request), { port, ifBusy: "any" });
  if (port !== 0 && server.port !== port) console.log(`Port ${port} is taken: the page uses another one`);
  const origins = originsOf(server.port);

  const processes = new Processes();
  const supervisor = new Supervisor({
    adapter,
    prefix: `demo-${crypto.randomUUID().slice(0, 8)}`,
    ports: Array.from({ length: nodes }, (_, index) => port === 0 ? 0 : port + 1 + index),
    origins,
    seed: "trunkline",
    log: console.log,
  });
  try {
    const broker = await brokerOf(adapter, processes);
    if (broker) console.log(`The nodes use ${broker.about}`);
    // The nodes find the broker by these variables: workers have the environment of their process.
    Object.assign(process.env, broker?.env);
    await supervisor.open();
    const own = broker?.own ? broker : undefined;
    const bundles = { script: script!, codeScript: codeScript!, style: style! };
    app.resolve(await createPageServer({ ...bundles, adapter, supervisor, broker: own, origins }));
    console.log(`\nOpen http://127.0.0.1:${server.port} in a browser. Ctrl+C ends the demo.\n`);
    await ending.promise;
    console.log("\nEnding");
  } finally {
    // A second signal ends this process and the broker at once.
    for (const signal of signals) {
      Deno.removeSignalListener(signal, ending.resolve);
      Deno.addSignalListener(signal, exit);
    }
    await supervisor.close();
    await server.close();
    await processes.close();
    for (const signal of signals) Deno.removeSignalListener(signal, exit);
  }
}

try {
  const options = readOptions(Deno.args);
  if (options === "help") console.log(HELP);
  else await run(options);
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${HELP}` : (error as Error).message);
  Deno.exitCode = 1;
}
