/**
 * `deno task cluster`: hubs in processes of their own behind a reverse proxy, and clients that talk through it.
 *
 * @module
 */

import process, { argv } from "node:process";
import { Cluster } from "./cluster.ts";
import { type ClusterOptions, HELP, readOptions, UsageError } from "./options.ts";
import { onKeys, print } from "./terminal.ts";

const KEYS = `
  1 to 9   kill a node as a crash would, and see its clients move; again: start it
  b        kill the broker, and see each node go on alone; again: start it
  Ctrl+C   end everything
`;

/** From when on a second Ctrl+C is one of its own. */
const AGAIN_MS = 500;

/** Runs the cluster until it is told to end. */
async function run(options: ClusterOptions): Promise<void> {
  const cluster = new Cluster(options);
  const ending = Promise.withResolvers<void>();
  let askedAt: number | undefined;
  const onSignal = () => {
    askedAt ??= performance.now();
    // Whoever asks again does not want to wait; what comes at once is the same wish by another way.
    if (performance.now() - askedAt > AGAIN_MS) process.exit(130);
    ending.resolve();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);

  const complain = (error: Error) => print("cluster", error.message);
  const releaseKeys = onKeys((key) => {
    if (key === "b") cluster.toggleBroker().catch(complain);
    else if (/[1-9]/.test(key)) cluster.toggleNode(Number(key)).catch(complain);
  });
  try {
    const opening = cluster.open().then(() => console.log(KEYS));
    opening.catch(() => {}); // of an end in the middle it is no news
    await Promise.race([opening.then(() => ending.promise), ending.promise]);
    print("cluster", "ending");
  } finally {
    releaseKeys();
    await cluster.close();
  }
}

let code = 0;
try {
  const options = readOptions(argv.slice(2));
  if (options === "help") console.log(HELP);
  else await run(options);
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${HELP}` : (error as Error).message);
  code = 1;
}
process.exit(code);
